using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Adapters;

/// <summary>Where the adapter of a stage lies in its flat buffers: a pure function of the stage's modules.</summary>
/// <remarks>
/// A then B of each module in index order, each from a 64-byte boundary; what lies between is zero and stays zero. Immutable.
/// </remarks>
internal sealed class AdapterLayout
{
    /// <summary>Elements of a 64-byte line: every parameter starts on one.</summary>
    public const int AlignmentElements = 16;

    private readonly Dictionary<(uint Module, bool IsA), AdapterParameter> _byModule;

    private AdapterLayout(List<AdapterParameter> parameters, List<AdapterChunk> chunks, long numElements)
    {
        Parameters = parameters;
        Chunks = chunks;
        NumElements = numElements;
        Layers = [.. parameters.GroupBy(p => p.Module.Layer).Select(layer => new AdapterLayer(layer.Key, [.. layer]))];
        _byModule = parameters.ToDictionary(p => (p.Module.Index, p.IsA));
    }

    /// <summary>In flat order.</summary>
    public IReadOnlyList<AdapterParameter> Parameters { get; }

    /// <summary>In flat order, which is the job's order.</summary>
    public IReadOnlyList<AdapterChunk> Chunks { get; }

    /// <summary>The decoder layers that are adapted, in flat order.</summary>
    public IReadOnlyList<AdapterLayer> Layers { get; }

    /// <summary>Length of a flat buffer, padding included.</summary>
    public long NumElements { get; }

    /// <summary>The parameter of a module.</summary>
    public AdapterParameter this[uint moduleIndex, bool isA] => _byModule[(moduleIndex, isA)];

    /// <summary>Lays out a stage's modules with chunks of <paramref name="chunkElements"/>.</summary>
    /// <exception cref="WorkerFaultException">The modules are not in index order, or one has a zero size.</exception>
    public static AdapterLayout Create(IEnumerable<AdapterModule> modules, uint chunkElements)
    {
        if (chunkElements is 0 or > int.MaxValue)
            throw new WorkerFaultException(ErrorCode.BadData, $"A chunk of {chunkElements} elements cannot be: the stage's constants are wrong.");
        var parameters = new List<AdapterParameter>();
        var chunks = new List<AdapterChunk>();
        long offset = 0;
        AdapterModule? previous = null;
        foreach (var module in modules)
        {
            Check(module, previous);
            previous = module;
            var chunk = module.FirstChunk;
            foreach (var isA in (bool[])[true, false])
            {
                long[] shape = isA ? [module.Rank, module.InFeatures] : [module.OutFeatures, module.Rank];
                var parameter = new AdapterParameter(module, isA, offset, shape[0] * shape[1], shape, chunk);
                parameters.Add(parameter);
                chunk += AddChunks(parameter, chunkElements, chunks);
                offset += (parameter.Length + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
            }
        }

        return new AdapterLayout(parameters, chunks, offset);
    }

    private static void Check(AdapterModule module, AdapterModule? previous)
    {
        if (module.Rank == 0 || module.InFeatures == 0 || module.OutFeatures == 0)
            throw new WorkerFaultException(ErrorCode.BadData, $"Adapter module '{module.Module}' has a zero size: the stage's description is wrong.");
        if (previous is not null && module.Index <= previous.Index)
            throw new WorkerFaultException(ErrorCode.BadData, $"Adapter module '{module.Module}' is out of order: the stage's description is wrong.");
    }

    private static uint AddChunks(AdapterParameter parameter, uint chunkElements, List<AdapterChunk> chunks)
    {
        uint count = 0;
        for (long at = 0; at < parameter.Length; at += chunkElements)
            chunks.Add(new AdapterChunk(parameter.FirstChunk + count++, parameter.Offset + at, (int)Math.Min(chunkElements, parameter.Length - at)));
        return count;
    }
}
