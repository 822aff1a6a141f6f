"""From a photograph to a finished ad: plain Python and pictures."""

from PIL import ImageFile

# How much Pillow writes at once, for every file of every process. A progressive JPEG must fit into it whole, and the pieces of a PNG are cut
# by it: were it to differ between two processes, the same picture would be two files.
ImageFile.MAXBLOCK = 16 * 1024 * 1024
