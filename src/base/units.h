/*
 * Units of time and size. All times in this project are unsigned nanoseconds; points in time
 * are on one monotonic clock.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)
#define NS_NEVER  UINT64_MAX /* a point in time that does not come */

#endif
