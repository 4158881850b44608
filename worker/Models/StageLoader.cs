using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Builds a stage's weights from its tensor slices, one tensor at a time: no more than one 16-bit tensor is ever held beside the loaded ones.</summary>
/// <remarks>Used once. On a failure everything loaded so far is freed. Compute thread only.</remarks>
internal sealed class StageLoader : IDisposable
{
    private readonly StageSpec _spec;
    private readonly ModelSpec _model;
    private readonly torch.Device _device;
    private readonly torch.ScalarType _dtype;
    private readonly AdapterState _adapter;
    private readonly Dictionary<string, TensorSlice> _slices;
    private readonly Dictionary<string, AdapterModule> _modules;
    private readonly FusedOperations _operations;
    private readonly bool _keepDense;
    private readonly List<IDisposable> _loaded = [];
    private readonly SliceReader _reader = new();
    private readonly QuantizedSlices _quantized;
    private readonly BaseLoad? _base;
#pragma warning disable CA2213 // Loaded with the weights and freed with them.
    private readonly WeightBuffer _buffer;
#pragma warning restore CA2213

    public StageLoader(StageSpec spec, torch.Device device, AdapterState adapter, BaseLoad? baseLoad)
    {
        (_spec, _model, _device, _adapter, _base) = (spec, spec.Model, device, adapter, baseLoad);
        _quantized = new QuantizedSlices(_reader, baseLoad, spec.Quantization);
        _dtype = ElementTypes.ToComputeType(spec.Constants.ComputeDtype);
        _slices = spec.Base.ToDictionary(slice => slice.Name, StringComparer.Ordinal);
        _modules = spec.Adapter.ToDictionary(module => module.Module, StringComparer.Ordinal);
        _operations = FusedOperations.For(device);
        _buffer = new WeightBuffer(device, _dtype);
        _loaded.Add(_buffer);
        _keepDense = (spec.LastLayer - spec.FirstLayer + 1L) * MicroBatchThreads.BytesOfLayer(_model, _dtype) <= MicroBatchThreads.MostDenseBytes;
    }

    /// <summary>Reads everything.</summary>
    /// <param name="progress">Told after every layer.</param>
    /// <param name="cancellationToken">Looked at between layers.</param>
    public StageModelParts Load(IProgress<StageLoadProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            return LoadParts(progress, cancellationToken);
        }
        catch
        {
            _loaded.ForEach(item => item.Dispose());
            throw;
        }
    }

    /// <summary>Closes the files; what was loaded stays.</summary>
    public void Dispose() => _reader.Dispose();

    private BaseSources Sources => new(_reader.BytesRead, _base?.BytesCached ?? 0, _base?.BytesReceived ?? 0);

    private StageModelParts LoadParts(IProgress<StageLoadProgress>? progress, CancellationToken cancellationToken)
    {
        using var noGrad = torch.no_grad();
        var resident = 0UL;
        var embedding = _spec.Embedding ? Table("model.embed_tokens.weight", ref resident) : null;
        var layers = new List<DecoderLayer>();
        for (var i = _spec.FirstLayer; i <= _spec.LastLayer; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var layer = Layer((int)i);
            layers.Add(layer);
            resident += (ulong)layer.Bytes;
            progress?.Report(new StageLoadProgress((uint)layers.Count, Sources, resident));
        }

        var head = _spec.Head ? Head(embedding, ref resident) : null;
        if (_modules.Count > 0)
        {
            throw new WorkerFaultException(ErrorCode.BadData, $"Module '{_modules.Keys.First()}' has an adapter but is no linear layer of layers {_spec.FirstLayer} to {_spec.LastLayer}.");
        }

        var rotary = Keep(new RotaryTable(_model.RopeInverseFrequencies, _model.RopeAttentionFactor, _device));
        progress?.Report(new StageLoadProgress((uint)layers.Count, Sources, resident));
        return new StageModelParts(embedding is null ? null : new TokenEmbedding(embedding, _dtype), layers, head, rotary, _loaded, Sources, resident + (ulong)_buffer.Bytes);
    }

    private DecoderLayer Layer(int index)
    {
        var (hidden, inner) = ((long)_model.HiddenSize, (long)_model.IntermediateSize);
        var (queries, keys) = ((long)_model.NumAttentionHeads * _model.HeadDim, (long)_model.NumKeyValueHeads * _model.HeadDim);
        var name = $"model.layers.{index}";
        var window = index < _model.AttentionWindows.Count ? (int)_model.AttentionWindows[index] : 0;
        return Keep(new DecoderLayer(
            new DecoderLayerParts(
                Norm($"{name}.input_layernorm.weight"),
                Group(hidden, _model.QkvBias, ($"{name}.self_attn.q_proj", queries), ($"{name}.self_attn.k_proj", keys), ($"{name}.self_attn.v_proj", keys)),
                new CausalAttention(ProjectedHeads.Of((int)_model.NumAttentionHeads, (int)_model.NumKeyValueHeads, (int)_model.HeadDim), window, (int)_spec.Constants.AttentionBlock, _operations),
                Group(queries, _model.AttentionOutputBias, ($"{name}.self_attn.o_proj", hidden)),
                Norm($"{name}.post_attention_layernorm.weight"),
                Group(hidden, _model.MlpBias, ($"{name}.mlp.gate_proj", inner), ($"{name}.mlp.up_proj", inner)),
                Group(inner, _model.MlpBias, ($"{name}.mlp.down_proj", hidden))),
            _operations));
    }

    private LossHead Head(torch.Tensor? embedding, ref ulong resident)
    {
        var norm = Norm("model.norm.weight");
        FrozenWeight weight;
        if (!_model.TieWordEmbeddings)
        {
            weight = Keep(Weight("lm_head.weight", _model.VocabSize, _model.HiddenSize));
            resident += (ulong)weight.Bytes;
        }
        else
        {
            weight = new FrozenWeight(embedding ?? Table("model.embed_tokens.weight", ref resident));
        }

        var head = Keep(new LossHead(norm, weight, _buffer, _dtype, _operations, (int)_spec.Constants.LossChunkTokens, MicroBatchThreads.IsSmall(_model, _dtype, _device)));
        resident += (ulong)head.Bytes;
        return head;
    }

    private torch.Tensor Table(string name, ref ulong resident)
    {
        var table = Keep(OnDevice(_reader.Read(Slice(name), _model.VocabSize, _model.HiddenSize)));
        resident += (ulong)(table.numel() * table.element_size());
        return table;
    }

    private RmsNorm Norm(string name) => Keep(new RmsNorm(Vector(name, _model.HiddenSize), (float)_model.RmsNormEps, _operations));

    private ProjectionGroup Group(long inFeatures, bool bias, params (string Name, long OutFeatures)[] linears)
    {
        var parts = linears.Select(linear => new ProjectionPart(
            Keep(Weight($"{linear.Name}.weight", linear.OutFeatures, inFeatures)),
            bias ? Vector($"{linear.Name}.bias", linear.OutFeatures) : null,
            Lora(linear.Name, inFeatures, linear.OutFeatures))).ToArray();
        var group = Keep(new ProjectionGroup(parts, _buffer, _dtype, _operations, _keepDense));
        foreach (var part in parts)
        {
            part.Bias?.Dispose();
        }

        return group;
    }

    private LoraPair? Lora(string name, long inFeatures, long outFeatures)
    {
        if (!_modules.Remove(name, out var module))
        {
            return null;
        }

        if (module.InFeatures != inFeatures || module.OutFeatures != outFeatures)
        {
            throw new WorkerFaultException(ErrorCode.BadData, $"Adapter module '{name}' is [{module.OutFeatures}, {module.InFeatures}] where the model's layer is [{outFeatures}, {inFeatures}].");
        }

        var dropout = module.Dropout > 0 ? new AdapterDropout(_spec.Constants.Seed, module.Index, module.Dropout) : null;
        return new LoraPair(_adapter, module, dropout);
    }

    private FrozenWeight Weight(string name, long rows, long columns)
    {
        var slice = Slice(name);
        if (!slice.Quantize || _spec.Quantization is not { Type: not QuantizationType.None })
        {
            return new FrozenWeight(OnDevice(_reader.Read(slice, rows, columns)));
        }

        return new FrozenWeight(QuantizedWeight.Create(_quantized.Load(slice, rows, columns), _device));
    }

    private torch.Tensor Vector(string name, long length)
    {
        using var own = _reader.Read(Slice(name), length);
        using var typed = own.to_type(_dtype);
        return typed.to(_device).DetachFromDisposeScope();
    }

    private TensorSlice Slice(string name) => _slices.TryGetValue(name, out var slice)
        ? slice
        : throw new WorkerFaultException(ErrorCode.BadData, $"Tensor '{name}' is not among the tensors of this stage: the model folder lacks it.");

    private torch.Tensor OnDevice(torch.Tensor host)
    {
        if (_device.type == DeviceType.CPU)
        {
            return host;
        }

        using (host)
        {
            return host.to(_device).DetachFromDisposeScope();
        }
    }

    private T Keep<T>(T item)
        where T : IDisposable
    {
        _loaded.Add(item);
        return item;
    }
}
