// Tangents of batch norm and of its gradient, which products with the Hessian need, and
// the other kernels of op.TangentKernels. A dot stands for a tangent; tangents that are
// null are zero.

#pragma once

#include "batchnorm.cuh"

// given8 is channels8 of a vector that may be null, load_given load8 of an activation.
__device__ inline Eight given8(const float* p, int channel, int channels) { return p ? channels8(p, channel, channels) : Eight{}; }
template <typename T> __device__ inline Eight load_given(const T* p, size_t at) { return p ? load8(p + at) : Eight{}; }

// Sums Σẋ and Σ(x − μ)·ẋ of a mini-batch, and from them μ̇ = mean(ẋ) and
// ṡ = −s³·mean((x − μ)·ẋ), s being 1/σ. Without ẋ both are 0.
template <typename T>
__device__ void norm_tangent_sums(float* dot_mean, float* dot_inv_std, const T* x, const T* dot_x, const float* mean, const float* inv_std,
                                  float2* partial, unsigned* arrivals, int rows, int channels, int padded) {
    Tile t(padded);
    Eight a = {}, b = {};
    if (t.inside && dot_x) {
        const Eight mu = channels8(mean, t.channel, channels);
        walk<FIRST, 2, T>(t, rows, padded, {x, dot_x}, [&](size_t, const Packed<T>* in) { add_products(a, b, unpack(in[1]), unpack(in[0]), mu); });
    }
    double2 total;
    if (!reduce(a, b, partial, arrivals, &total)) return;
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread >= TILE || c >= channels) return;
    const double s = inv_std[c];
    dot_mean[c] = (float)(total.x / rows);
    dot_inv_std[c] = (float)(-s * s * s * total.y / rows);
}

// ẏ = γ·(s·(ẋ − μ̇) + (x − μ)·ṡ) + γ̇·(x − μ)·s + β̇ + the residual's, where y > 0 if
// relu.
template <typename T>
__device__ void norm_tangent(T* dot_y, const T* x, const T* y, const T* dot_x, const T* dot_residual, const float* gamma, const float* mean,
                             const float* inv_std, const float* dot_gamma, const float* dot_beta, const float* dot_mean,
                             const float* dot_inv_std, int rows, int channels, int padded, int relu) {
    Tile t(padded);
    if (!t.inside) return;
    const int c = t.channel;
    const Eight mu = channels8(mean, c, channels), s = channels8(inv_std, c, channels), scale = channels8(gamma, c, channels);
    const Eight dot_mu = given8(dot_mean, c, channels), dot_s = given8(dot_inv_std, c, channels), dot_scale = given8(dot_gamma, c, channels);
    Eight of_dot_x, of_x, constant = given8(dot_beta, c, channels);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        of_dot_x.v[i] = scale.v[i] * s.v[i];
        of_x.v[i] = scale.v[i] * dot_s.v[i] + dot_scale.v[i] * s.v[i];
        constant.v[i] -= of_dot_x.v[i] * dot_mu.v[i];
    }
    for (int r = t.row; r < rows; r += t.stride) {
        const size_t at = (size_t)r * padded + c;
        const Eight e = load8(x + at), dot_e = load_given(dot_x, at), add = load_given(dot_residual, at);
        Eight out;
#pragma unroll
        for (int i = 0; i < 8; i++) out.v[i] = of_dot_x.v[i] * dot_e.v[i] + of_x.v[i] * (e.v[i] - mu.v[i]) + (constant.v[i] + add.v[i]);
        store8(dot_y + at, relu ? mask(out, load8(y + at)) : out);
    }
}

// behind is the gradient behind the ReLU, whose output is y, or its tangent.
template <typename T> __device__ inline Eight behind(const T* dy, const T* y, size_t at, int relu) {
    const Eight g = load_given(dy, at);
    return relu ? mask(g, load8(y + at)) : g;
}

// The tangents of dβ = Σg and dγ = Σ g·x̂: Σġ and Σ(ġ·x̂ + g·x̂˙).
template <typename T>
__device__ void norm_grad_tangent_sums(float* dot_dgamma, float* dot_dbeta, const T* dy, const T* x, const T* y, const T* dot_dy, const T* dot_x,
                                       const float* mean, const float* inv_std, const float* dot_mean, const float* dot_inv_std,
                                       float2* partial, unsigned* arrivals, int rows, int channels, int padded, int relu) {
    Tile t(padded);
    Eight a = {}, b = {};
    if (t.inside) {
        const int c = t.channel;
        const Eight mu = channels8(mean, c, channels), s = channels8(inv_std, c, channels);
        const Eight dot_mu = given8(dot_mean, c, channels), dot_s = given8(dot_inv_std, c, channels);
        for (int r = t.row; r < rows; r += t.stride) {
            const size_t at = (size_t)r * padded + t.channel;
            const Eight g = behind(dy, y, at, relu), dot_g = behind(dot_dy, y, at, relu), e = load8(x + at), dot_e = load_given(dot_x, at);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                a.v[i] += dot_g.v[i];
                const float d = e.v[i] - mu.v[i];
                b.v[i] += dot_g.v[i] * d * s.v[i] + g.v[i] * (s.v[i] * (dot_e.v[i] - dot_mu.v[i]) + d * dot_s.v[i]);
            }
        }
    }
    double2 total;
    if (!reduce(a, b, partial, arrivals, &total)) return;
    const int thread = threadIdx.y * LANES + threadIdx.x, c = blockIdx.x * TILE + thread;
    if (thread >= TILE || c >= channels) return;
    dot_dbeta[c] = (float)total.x;
    dot_dgamma[c] = (float)total.y;
}

// The tangent of dx = γ·s·(g − dβ/n − x̂·dγ/n), and of the residual's gradient g: a sum of
// g, ġ, ẋ, x − μ and 1. With fixed statistics dx = γ·s·g, and there is no dβ or dγ.
template <typename T>
__device__ void norm_grad_tangent(T* dot_dx, T* dot_dresidual, const T* dy, const T* x, const T* y, const T* dot_dy, const T* dot_x, const float* gamma,
                                  const float* mean, const float* inv_std, const float* dot_gamma, const float* dot_mean, const float* dot_inv_std,
                                  const float* dgamma, const float* dbeta, const float* dot_dgamma, const float* dot_dbeta, int rows,
                                  int channels, int padded, int relu) {
    Tile t(padded);
    if (!t.inside) return;
    const int c = t.channel;
    const Eight mu = channels8(mean, c, channels);
    Eight of_g, of_dot_g, of_dot_x, of_x, constant;
    {
        const Eight s = channels8(inv_std, c, channels), dot_mu = given8(dot_mean, c, channels), dot_s = given8(dot_inv_std, c, channels);
        const Eight scale = channels8(gamma, c, channels), dot_scale = given8(dot_gamma, c, channels);
        const Eight sum = given8(dbeta, c, channels), product = given8(dgamma, c, channels);
        const Eight dot_sum = given8(dot_dbeta, c, channels), dot_product = given8(dot_dgamma, c, channels);
        const float share = 1.0f / rows;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            of_g.v[i] = dot_scale.v[i] * s.v[i] + scale.v[i] * dot_s.v[i];
            of_dot_g.v[i] = scale.v[i] * s.v[i];
            of_dot_x.v[i] = -of_dot_g.v[i] * s.v[i] * product.v[i] * share;
            of_x.v[i] = -share * (of_g.v[i] * s.v[i] * product.v[i] + of_dot_g.v[i] * (dot_s.v[i] * product.v[i] + s.v[i] * dot_product.v[i]));
            constant.v[i] = -share * (of_g.v[i] * sum.v[i] + of_dot_g.v[i] * dot_sum.v[i]) - of_dot_x.v[i] * dot_mu.v[i];
        }
    }
    for (int r = t.row; r < rows; r += t.stride) {
        const size_t at = (size_t)r * padded + c;
        Eight g = behind(dy, y, at, relu);
        const Eight dot_g = behind(dot_dy, y, at, relu);
        if (dot_dresidual) store8(dot_dresidual + at, dot_g);
        if (!dot_dx) continue;
        const Eight e = load8(x + at), dot_e = load_given(dot_x, at);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            g.v[i] = of_g.v[i] * g.v[i] + of_dot_g.v[i] * dot_g.v[i] + (of_dot_x.v[i] * dot_e.v[i] + of_x.v[i] * (e.v[i] - mu.v[i]) + constant.v[i]);
        }
        store8(dot_dx + at, g);
    }
}

// A thread for 8 channels of a pixel of y: the tangent at the first of the largest.
template <typename T>
__device__ void max_pool_tangent(T* dot_y, const T* dot_x, const T* x, int images, int padded, Windows p) {
    const unsigned vectors = padded / 8, pixels = images * p.out_height * p.out_width;
    for (unsigned i = first(); i < pixels * vectors; i += step()) {
        const unsigned pixel = i / vectors;
        const size_t image = pixel / p.out_width / p.out_height;
        const int row = pixel / p.out_width % p.out_height * p.stride, column = pixel % p.out_width * p.stride;
        Eight top, dot;
        for (int h = row; h < row + p.size; h++) {
            for (int w = column; w < column + p.size; w++) {
                const size_t at = ((image * p.height + h) * p.width + w) * padded + i % vectors * 8;
                const Eight e = load8(x + at), dot_e = load8(dot_x + at);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    const bool nan = e.v[k] != e.v[k] && top.v[k] == top.v[k];
                    if ((h == row && w == column) || e.v[k] > top.v[k] || nan) top.v[k] = e.v[k], dot.v[k] = dot_e.v[k];
                }
            }
        }
        store8(dot_y + (size_t)i * 8, dot);
    }
}

extern "C" __global__ void inverse_deviation(float* y, const float* variance, int channels, double epsilon) {
    for (size_t c = first(); c < channels; c += step()) y[c] = (float)(1 / sqrt(variance[c] + epsilon));
}

// d = p ⊙ (dot − ⟨p, dot⟩)·dloss/n for each image, with p = softmax(logits).
extern "C" __global__ void cross_entropy_curvature(float* d, const float* dloss, const float* logits, const float* dot, int images, int classes) {
    const float scale = *dloss / images;
    for (size_t n = first(); n < images; n += step()) {
        const float *z = logits + n * classes, *v = dot + n * classes;
        const Softmax s = softmax(z, classes);
        double mean = 0;
        for (int k = 0; k < classes; k++) mean += (double)(expf(z[k] - s.top) / s.sum) * v[k];
        for (int k = 0; k < classes; k++) d[n * classes + k] = expf(z[k] - s.top) / s.sum * (float)(v[k] - mean) * scale;
    }
}
