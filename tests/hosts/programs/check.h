/* What every host program of the tests uses. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
      fflush(stdout);                                                          \
      _Exit(1);                                                                \
    }                                                                          \
  } while (0)

/* Like CHECK(actual == expected), and says which. */
#define EQUAL(actual, expected)                                                \
  do {                                                                         \
    long long actual_ = (long long)(actual), expected_ = (long long)(expected); \
    if (actual_ != expected_) {                                                \
      printf("%s:%d: %s is %lld instead of %lld\n", __FILE__, __LINE__,        \
             #actual, actual_, expected_);                                     \
      fflush(stdout);                                                          \
      _Exit(1);                                                                \
    }                                                                          \
  } while (0)

#endif
