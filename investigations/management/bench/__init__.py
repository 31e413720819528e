"""The benchmark suite: ratios whose two sides are measured in the same run. What each means: docs/benchmarks.md."""
