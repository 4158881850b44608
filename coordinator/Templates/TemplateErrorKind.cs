namespace Orchestrator.Coordinator.Templates;

/// <summary>What went wrong in a template, in Jinja's and Python's own classes.</summary>
/// <remarks>The engine itself looks at the kind: an attribute that raises <see cref="Type"/> or <see cref="Lookup"/> is undefined, for instance.</remarks>
internal enum TemplateErrorKind
{
    /// <summary>The source is no Jinja template.</summary>
    Syntax,

    /// <summary>The source names a filter, test or target that cannot be.</summary>
    Assertion,

    /// <summary>The template itself called raise_exception.</summary>
    Raised,

    /// <summary>Something undefined was used.</summary>
    Undefined,

    /// <summary>The sandbox refused an access.</summary>
    Security,
    Type,
    Value,
    Lookup,
    Attribute,
    ZeroDivision,
    Overflow,
    Runtime,

    /// <summary>A limit on steps, memory, output or nesting was reached.</summary>
    Limit,

    /// <summary>A construct of Jinja that this engine does not have.</summary>
    Unsupported,
}
