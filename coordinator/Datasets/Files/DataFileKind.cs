namespace Orchestrator.Coordinator.Datasets;

/// <summary>How a data file is read and what is remarked of it as a whole.</summary>
internal enum DataFileKind
{
    /// <summary>JSON Lines.</summary>
    Lines,

    /// <summary>JSON Lines under the name of a JSON file.</summary>
    LinesNamedJson,

    /// <summary>A JSON array of records.</summary>
    Array,

    /// <summary>One object where an array is expected, on one line.</summary>
    ObjectOnOneLine,

    /// <summary>One object where an array is expected, laid out over lines.</summary>
    Object,
}
