/*
 * The options that shape a sink; their settings are a struct sink_config.
 */
#ifndef SINK_SINK_OPTIONS_H
#define SINK_SINK_OPTIONS_H

#include "opt.h"

#define SINK_USAGE "smtp-sink [options] [inet:][host]:port [backlog]"

extern const struct opt sink_options[];
extern const size_t sink_option_count;

#endif
