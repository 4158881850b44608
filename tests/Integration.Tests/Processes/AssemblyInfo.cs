// Every test here starts processes that use all processors: two at a time would only measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
