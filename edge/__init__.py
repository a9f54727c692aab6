"""The device."""

import os
from typing import Final

MOST_PIXELS: Final = 1 << 26
"""Of a picture file. The damaged header of a JPEG of 1 KB spoke of 30,000 x 30,000 pixels: it took 5 GB and 35 s to find out."""

os.environ.setdefault(
    "OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS)
)  # looked at once, when cv2 is loaded: no module here is before this one
