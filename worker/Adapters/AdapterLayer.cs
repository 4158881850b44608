namespace Orchestrator.Worker.Adapters;

/// <summary>The parameters of one decoder layer: what saved, mirrored and handed over states are cut by.</summary>
/// <param name="Layer">The decoder layer.</param>
/// <param name="Parameters">In flat order.</param>
internal sealed record AdapterLayer(uint Layer, IReadOnlyList<AdapterParameter> Parameters)
{
    /// <summary>Elements of the parameters, without padding.</summary>
    public long NumElements { get; } = Parameters.Sum(parameter => parameter.Length);
}
