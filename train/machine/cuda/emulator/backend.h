// Descriptors of cuDNN's graph interface, checked as strictly as they are used:
// an attribute has one type and number of elements, a finalized descriptor does
// not change, and what a descriptor refers to is finalized and lives.

#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

enum { SUCCESS = 0, BAD_PARAM = 2000, NOT_SUPPORTED = 3000 };

// The library's numbers, by its names without prefixes.
enum Type { HANDLE = 0, DATA_TYPE = 1, BOOLEAN = 2, INT64 = 3, FLOAT = 4, VOID_PTR = 6, CONVOLUTION_MODE = 7, HEUR_MODE = 8, KNOB_TYPE = 9, NUMERICAL_NOTE = 11, POINTWISE_MODE = 14, DESCRIPTOR = 15, STATISTICS_MODE = 16, BEHAVIOR_NOTE = 19 };
enum Kind { ANY = -1, POINTWISE = 0, CONVOLUTION = 1, ENGINE = 2, ENGINECFG = 3, ENGINEHEUR = 4, PLAN = 5, KNOB_CHOICE = 7, FORWARD = 10, BWD_FILTER = 11, BWD_DATA = 12, APPLY_POINTWISE = 13, STATISTICS = 14, OPERATIONGRAPH = 15, VARIANT_PACK = 16, TENSOR = 17 };

inline std::string last_error;

// refuse says why.
inline int refuse(int status, std::string why) {
    last_error = why;
    return status;
}

struct Rule {
    Type type;
    int least, most; // elements; least 0 is optional
    Kind refers_to = ANY; // of a descriptor; any is any operation
};

inline const std::map<Kind, std::map<int, Rule>> rules = {
    {CONVOLUTION, {{100, {DATA_TYPE, 1, 1}}, {101, {CONVOLUTION_MODE, 1, 1}}, {102, {INT64, 2, 2}}, {103, {INT64, 2, 2}},
                   {104, {INT64, 2, 2}}, {105, {INT64, 2, 2}}, {106, {INT64, 1, 1}}}},
    {ENGINEHEUR, {{200, {HEUR_MODE, 1, 1}}, {201, {DESCRIPTOR, 1, 1, OPERATIONGRAPH}}}},
    {ENGINE, {}},
    {ENGINECFG, {}},
    {KNOB_CHOICE, {}},
    {PLAN, {{400, {HANDLE, 1, 1}}, {401, {DESCRIPTOR, 1, 1, ENGINECFG}}}},
    {FORWARD, {{700, {FLOAT, 1, 1}}, {701, {FLOAT, 1, 1}}, {702, {DESCRIPTOR, 1, 1, CONVOLUTION}},
               {703, {DESCRIPTOR, 1, 1, TENSOR}}, {704, {DESCRIPTOR, 1, 1, TENSOR}}, {705, {DESCRIPTOR, 1, 1, TENSOR}}}},
    {BWD_DATA, {{706, {FLOAT, 1, 1}}, {707, {FLOAT, 1, 1}}, {708, {DESCRIPTOR, 1, 1, CONVOLUTION}},
                {709, {DESCRIPTOR, 1, 1, TENSOR}}, {710, {DESCRIPTOR, 1, 1, TENSOR}}, {711, {DESCRIPTOR, 1, 1, TENSOR}}}},
    {BWD_FILTER, {{712, {FLOAT, 1, 1}}, {713, {FLOAT, 1, 1}}, {714, {DESCRIPTOR, 1, 1, CONVOLUTION}},
                  {715, {DESCRIPTOR, 1, 1, TENSOR}}, {716, {DESCRIPTOR, 1, 1, TENSOR}}, {717, {DESCRIPTOR, 1, 1, TENSOR}}}},
    {POINTWISE, {{0, {POINTWISE_MODE, 1, 1}}, {1, {DATA_TYPE, 1, 1}}}},
    {APPLY_POINTWISE, {{750, {DESCRIPTOR, 1, 1, POINTWISE}}, {751, {DESCRIPTOR, 1, 1, TENSOR}}, {753, {DESCRIPTOR, 1, 1, TENSOR}}}},
    {STATISTICS, {{770, {STATISTICS_MODE, 1, 1}}, {771, {DATA_TYPE, 1, 1}}, {772, {DESCRIPTOR, 1, 1, TENSOR}},
                  {773, {DESCRIPTOR, 1, 1, TENSOR}}, {774, {DESCRIPTOR, 1, 1, TENSOR}}}},
    {OPERATIONGRAPH, {{800, {HANDLE, 1, 1}}, {801, {DESCRIPTOR, 1, 8}}}},
    {VARIANT_PACK, {{1000, {INT64, 1, 8}}, {1001, {VOID_PTR, 1, 8}}, {1003, {VOID_PTR, 1, 1}}}},
    {TENSOR, {{900, {INT64, 1, 1}}, {901, {DATA_TYPE, 1, 1}}, {902, {INT64, 4, 4}}, {903, {INT64, 4, 4}}, {906, {INT64, 1, 1}}, {907, {BOOLEAN, 0, 1}}}},
};

inline size_t size_of(Type t) { return t == BOOLEAN ? 1 : t == POINTWISE_MODE || t == STATISTICS_MODE || t == DATA_TYPE || t == CONVOLUTION_MODE || t == HEUR_MODE || t == FLOAT || t == NUMERICAL_NOTE || t == KNOB_TYPE ? 4 : 8; }

struct Descriptor {
    Kind kind;
    bool finalized = false;
    std::map<int, std::vector<char>> values;
    const Descriptor* graph = nullptr; // of an engine and what is made of it
    int engine = -1;

    template <typename T> std::vector<T> all(int name) const {
        const std::vector<char>& raw = values.at(name);
        std::vector<T> list(raw.size() / sizeof(T));
        memcpy((void*)list.data(), raw.data(), raw.size());
        return list;
    }
    template <typename T> T one(int name) const { return all<T>(name)[0]; }
    const Descriptor& child(int name) const { return *one<const Descriptor*>(name); }
    std::vector<const Descriptor*> children(int name) const { return all<const Descriptor*>(name); }
};

inline std::set<const Descriptor*> living;

// sound tells whether a descriptor and all that it refers to may be used.
inline bool sound(const Descriptor* d) {
    if (!living.count(d) || !d->finalized || (d->graph && !sound(d->graph))) return false;
    for (auto& [name, rule] : rules.at(d->kind))
        if (rule.type == DESCRIPTOR && d->values.count(name))
            for (const Descriptor* child : d->children(name))
                if (!sound(child)) return false;
    return true;
}

inline bool operation(Kind k) { return k == FORWARD || k == BWD_DATA || k == BWD_FILTER || k == APPLY_POINTWISE || k == STATISTICS; }

inline int set(Descriptor* d, int name, int type, int64_t count, const void* values) {
    const std::string where = "attribute " + std::to_string(name);
    if (!living.count(d) || d->finalized) return refuse(BAD_PARAM, where + ": the descriptor is finalized or gone");
    auto rule = rules.at(d->kind).find(name);
    if (rule == rules.at(d->kind).end()) return refuse(NOT_SUPPORTED, where + " of another descriptor");
    const Rule& r = rule->second;
    if (type != r.type || count < r.least || count > r.most || !values) return refuse(BAD_PARAM, where + ": wrong type or number of elements");
    d->values[name].assign((const char*)values, (const char*)values + count * size_of(r.type));
    if (type != DESCRIPTOR) return SUCCESS;
    for (const Descriptor* child : d->children(name)) {
        if (!sound(child)) return refuse(BAD_PARAM, where + ": not finalized");
        if (r.refers_to == ANY ? !operation(child->kind) : child->kind != r.refers_to) return refuse(BAD_PARAM, where + ": a descriptor of another kind");
    }
    return SUCCESS;
}

inline int complete(const Descriptor* d) {
    if (!living.count(d) || d->finalized) return refuse(BAD_PARAM, "finalize: the descriptor is finalized or gone");
    for (auto& [name, rule] : rules.at(d->kind))
        if (rule.least > 0 && !d->values.count(name)) return refuse(BAD_PARAM, "finalize: attribute " + std::to_string(name) + " is missing");
    return SUCCESS;
}
