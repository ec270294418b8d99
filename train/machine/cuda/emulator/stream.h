// What the emulated driver and the emulated cuDNN share.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

// Stream is work that nobody has waited for yet.
struct Stream {
    const void* context;
    bool capturing = false;
    double clock = 0; // milliseconds that its work has taken
    std::vector<std::function<void()>> queue, graph;
    void add(std::function<void()> work);
    void flush();
};

// owned tells whether memory of the device lies at p.
bool owned(uint64_t p, size_t bytes);
