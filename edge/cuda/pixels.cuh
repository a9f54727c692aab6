// Pictures as bytes on the device, and how one of their pixels is read. A pixel's channels are red, green, blue in 0..255.
#pragma once

enum Format { BGR = 0, BGRX = 1, NV12 = 2 };

struct Picture { // edge/cuda/layout.py: PICTURE
    const unsigned char *bytes;
    int height, width; // px
    int pitch;         // bytes from one row to the next
    int format;        // NV12: rows of luma, and right below them half as many rows of interleaved Cb and Cr, same pitch
};
static_assert(sizeof(Picture) == 24, "edge/cuda/layout.py: PICTURE");

struct Rgb {
    float red, green, blue;
};

__device__ inline int clamped(int value, int low, int high) { return value < low ? low : (value > high ? high : value); }

// As a picture of bytes would hold it. Every step that is one picture in alpr.imaging rounds here too.
__device__ inline float rounded(float value) { return fminf(fmaxf(rintf(value), 0.f), 255.f); }
__device__ inline Rgb rounded(Rgb pixel) { return {rounded(pixel.red), rounded(pixel.green), rounded(pixel.blue)}; }

__device__ inline void add(Rgb &sum, float weight, Rgb pixel) {
    sum.red += weight * pixel.red;
    sum.green += weight * pixel.green;
    sum.blue += weight * pixel.blue;
}

// BT.601 with video range: luma 16..235, chroma 16..240 around 128
__device__ inline Rgb from_luma_chroma(float luma, float cb, float cr) {
    luma = 1.164f * fmaxf(luma - 16.f, 0.f);
    cb -= 128.f;
    cr -= 128.f;
    return rounded(Rgb{luma + 1.596f * cr, luma - 0.391f * cb - 0.813f * cr, luma + 2.018f * cb});
}

// The pixel at (y, x), which lie within the picture.
__device__ inline Rgb pixel_at(const Picture &picture, int y, int x) {
    const unsigned char *row = picture.bytes + (size_t)y * picture.pitch;
    if (picture.format == NV12) {
        const unsigned char *chroma = picture.bytes + (size_t)(picture.height + y / 2) * picture.pitch + x / 2 * 2;
        return from_luma_chroma(row[x], chroma[0], chroma[1]);
    }
    const unsigned char *bgr = row + (size_t)x * (picture.format == BGRX ? 4 : 3);
    return {(float)bgr[2], (float)bgr[1], (float)bgr[0]};
}

// One pixel of a (3, height, width) float tensor, RGB in 0..1.
__device__ inline void store(float *tensor, int height, int width, int y, int x, Rgb pixel) {
    size_t plane = (size_t)height * width, at = (size_t)y * width + x;
    tensor[at] = pixel.red * (1.f / 255.f);
    tensor[plane + at] = pixel.green * (1.f / 255.f);
    tensor[2 * plane + at] = pixel.blue * (1.f / 255.f);
}
