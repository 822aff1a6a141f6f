"""A head row for each text file of instructions, and the first rules of what is refused, flagged, or claimed only when the brief does."""

from __future__ import annotations

from typing import Any

from django.db import migrations

INSTRUCTIONS = {
    "image_prompt": "Scene for a product",
    "text_prompt": "Ground for words alone",
    "keyword_prompt": "Keywords from a photo",
    "copy_prompt": "Headlines and calls to action",
}
NUDITY = "Nudity and sexual content cannot be advertised here. Take it out of the brief."
LIKENESS = "An ad may not show a real person without their consent. Describe a scene without that person."
VIOLENCE = "Violence cannot be shown in an ad. Describe a peaceful scene."
HATE = "Words of hate cannot stand in an ad. Take them out of the brief."
DRUGS = "Illegal drugs cannot be advertised. Take them out of the brief."
WEAPONS = "Weapons cannot be advertised here. Take them out of the brief."
HARM = "Self-harm cannot be a subject of an ad. Take it out of the brief."
FAKES = "Imitations of other brands cannot be advertised. Advertise your own product under its own name."
CURES = "An ad may not promise to heal an illness. Say what the product is instead."
MINORS = "Children may not be shown in this way. Take it out of the brief."
REFUSED = {
    NUDITY: (
        "porn*",
        "nudity",
        "nudist*",
        "topless",
        "naked woman",
        "naked man",
        "naked women",
        "naked men",
        "naked girl*",
        "naked model*",
        "nude woman",
        "nude man",
        "nude women",
        "nude men",
        "nude girl*",
        "nude model*",
        "erotic*",
        "sex toy*",
        "sexually explicit",
        "undress*",
        "nackte frau*",
        "nackter mann",
        "nackte männer",
        "pornogra*",
        "erotik*",
        "femme nue",
        "femmes nues",
        "homme nu",
        "mujer desnuda",
        "mujeres desnudas",
        "hombre desnudo",
    ),
    MINORS: ("sexy child*", "sexy teen*", "sexy girl*", "sexy kid*", "lolita*", "schoolgirl lingerie"),
    LIKENESS: (
        "deepfake*",
        "deep fake*",
        "celebrity lookalike*",
        "celebrity look-alike*",
        "face swap*",
        "faceswap*",
        "looks exactly like president",
    ),
    VIOLENCE: (
        "gore",
        "gory",
        "beheading*",
        "behead",
        "massacre*",
        "torture*",
        "mutilat*",
        "bloodbath",
        "blutbad",
        "folter*",
        "suicide bomb*",
    ),
    HATE: ("nazi*", "swastika*", "hakenkreuz*", "white power", "white supremac*", "heil hitler", "ethnic cleansing", "ku klux klan"),
    DRUGS: ("cocaine", "kokain", "cocaína", "cocaïne", "heroin", "crystal meth", "methamphetamine*", "ecstasy pills", "buy weed"),
    WEAPONS: ("assault rifle*", "ghost gun*", "ammunition", "hand grenade*", "buy guns", "sturmgewehr*", "silencer for gun*", "pipe bomb*"),
    HARM: ("suicide", "self-harm", "self harm", "selbstmord*", "pro-ana", "thinspo*"),
    FAKES: ("replica watch*", "replica bag*", "counterfeit*", "knock-off", "knockoff*", "fake designer", "1:1 replica*"),
    CURES: (
        "cures cancer",
        "cure cancer",
        "cures covid*",
        "cures diabetes",
        "heals cancer",
        "heilt krebs",
        "guérit le cancer",
        "cura el cáncer",
    ),
}
PEOPLE = ("woman", "women", "man", "men", "girl*", "boy*", "child", "children", "kid", "kids", "baby", "babies", "person", "persons", "people",
          "family", "families", "couple", "couples", "model", "models", "face", "faces", "portrait*", "hand", "hands", "athlete*", "runner*",
          "frau", "frauen", "mann", "männer", "mädchen", "junge", "kind", "kinder", "familie*", "mensch*", "paar", "gesicht*", "hände",
          "femme*", "homme*", "enfant*", "famille*", "visage*", "mujer*", "hombre*", "niña*", "niño*", "familia*", "cara")  # fmt: skip
CLAIMS = ("#1", "number one", "no. 1", "nr. 1", "the best", "world's best", "best in the world", "best ever", "guaranteed", "guarantee", "clinically proven",
          "scientifically proven", "proven", "dermatologist*", "doctor recommended", "recommended by doctors", "fda approved", "certified",
          "100%", "risk-free", "risk free", "miracle*", "cure*", "heals", "anti-cancer", "lowest price*", "cheapest", "award-winning",
          "award winning", "bestseller*", "best-seller*", "carbon neutral", "climate neutral", "klimaneutral*", "garantiert", "klinisch getestet",
          "testsieger*", "der beste", "die beste", "das beste", "garanti", "garantie", "prouvé", "le meilleur", "la meilleure", "garantizado",
          "el mejor", "la mejor", "comprobado")  # fmt: skip


def fill(apps: Any, schema_editor: Any) -> None:
    """What is there already stays: going back and forth again loses no edit."""
    instructions, rules = apps.get_model("prompting", "Instruction"), apps.get_model("prompting", "Rule")
    for slug, title in INSTRUCTIONS.items():
        instructions.objects.get_or_create(slug=slug, defaults={"title": title})
    wanted = [("refuse", words, reason) for reason, all_words in REFUSED.items() for words in all_words]
    wanted += [("people", words, "") for words in PEOPLE] + [("claim", words, "") for words in CLAIMS]
    known = set(rules.objects.values_list("words", flat=True))
    new = {words: rules(words=words, effect=effect, reason=reason) for effect, words, reason in wanted if words not in known}
    rules.objects.bulk_create(new.values())


class Migration(migrations.Migration):
    dependencies = [("prompting", "0001_rows_of_the_writer")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
