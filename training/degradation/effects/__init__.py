"""One pure function per physical effect: BGR uint8 in, BGR uint8 of the same size out, parameters in physical terms."""

from training.degradation.effects.codec import blocking, jpeg
from training.degradation.effects.light import exposure, glare, headlight, infrared, shadow
from training.degradation.effects.optics import defocus, gaussian_blur, kernel_blur, motion_blur
from training.degradation.effects.sensor import colour_cast, interlace, isp_noise, low_resolution, rolling_shutter, sensor_noise, sharpen
from training.degradation.effects.surface import dirt, occlusion, slant
from training.degradation.effects.weather import fog, rain

__all__ = [
    "blocking",
    "colour_cast",
    "defocus",
    "dirt",
    "exposure",
    "fog",
    "gaussian_blur",
    "glare",
    "headlight",
    "infrared",
    "interlace",
    "isp_noise",
    "jpeg",
    "kernel_blur",
    "low_resolution",
    "motion_blur",
    "occlusion",
    "rain",
    "rolling_shutter",
    "sensor_noise",
    "shadow",
    "sharpen",
    "slant",
]
