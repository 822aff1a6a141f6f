"""`manage.py make_bucket`: makes the bucket that S3_BUCKET names, where it is not there."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """For a store of one's own: at Amazon a bucket is made with its rules, by whoever looks after them."""

    help = "Make the bucket of S3_BUCKET on the store of S3_ENDPOINT_URL, private, where it is not there. May be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, or say that it is there. Exit code 2 without S3_BUCKET, 1 when the store refuses."""
        if not settings.S3_BUCKET:
            raise CommandError("Files are kept in the data folder. Set S3_BUCKET to keep them in a bucket.", returncode=2)
        bucket: Any = default_storage.bucket  # type: ignore[attr-defined] # of django-storages, where S3_BUCKET is set
        client = bucket.meta.client
        try:
            if _is_there(client, bucket.name):
                self.stdout.write(f"The bucket {bucket.name} is there.")
                return
            region = client.meta.region_name
            where = {} if region in (None, "us-east-1", "aws-global") else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            client.create_bucket(Bucket=bucket.name, **where)
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"The bucket {bucket.name} could not be made: {error}", returncode=1) from error
        self.stdout.write(f"The bucket {bucket.name} is made.")


def _is_there(client: Any, name: str) -> bool:
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchBucket"):
            return False
        raise
    return True
