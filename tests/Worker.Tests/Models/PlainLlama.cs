using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>The Llama family written down once more in plain operations, a sample at a time and in fp32: what the worker's own code must equal.</summary>
/// <remarks>Shapes: T tokens, H heads, D head size. Gradients are the library's own.</remarks>
internal sealed class PlainLlama : IDisposable
{
    private readonly ModelFolder _folder;
    private readonly Dictionary<string, Tensor> _weights;
    private readonly Dictionary<string, (Tensor A, Tensor B, float Scale)> _adapters;

    /// <param name="folder">16-bit weights.</param>
    /// <param name="adapted">Whose adapters are taken over as they are.</param>
    /// <param name="without">Names of tensors that are left out, to see that they count.</param>
    public PlainLlama(ModelFolder folder, LoadedStage adapted, Func<string, bool>? without = null)
    {
        _folder = folder;
        _weights = folder.AllSlices().DistinctBy(slice => slice.Name).Where(slice => without?.Invoke(slice.Name) != true).ToDictionary(slice => slice.Name, Read);
        _adapters = adapted.Model.Spec.Adapter.ToDictionary(
            module => module.Module, module => (Leaf(adapted.Adapter.A(module.Index)), Leaf(adapted.Adapter.B(module.Index)), (float)module.Scale));
    }

    /// <summary>Logits [T, vocabulary] of one sample.</summary>
    public float[] Logits(int[] ids)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return Forward(ids).data<float>().ToArray();
    }

    /// <summary>Summed cross entropy of a sample's next tokens; adds to the adapters' gradients.</summary>
    public double AddGradients(int[] ids, int[] labels)
    {
        using var scope = NewDisposeScope();
        var logits = Forward(ids).narrow(0, 0, ids.Length - 1);
        var next = tensor(labels[1..].Select(label => (long)label).ToArray());
        var loss = nn.functional.cross_entropy(logits, next, ignore_index: -100, reduction: nn.Reduction.Sum);
        loss.backward();
        return loss.item<float>();
    }

    /// <summary>The gradient of a module's A or B.</summary>
    public float[] Gradient(string module, bool isA)
    {
        var (a, b, _) = _adapters[module];
        return (isA ? a : b).grad!.data<float>().ToArray();
    }

    public void Dispose()
    {
        foreach (var weight in _weights.Values.Concat(_adapters.Values.SelectMany(adapter => new[] { adapter.A, adapter.B })))
        {
            weight.Dispose();
        }
    }

    private Tensor Forward(int[] ids)
    {
        var x = _weights["model.embed_tokens.weight"].index_select(0, tensor(ids));
        for (var layer = 0; layer < _folder.Spec.NumLayers; layer++)
        {
            var name = $"model.layers.{layer}";
            x += Attention(Norm(x, $"{name}.input_layernorm"), $"{name}.self_attn");
            var h = Norm(x, $"{name}.post_attention_layernorm");
            x += Linear(nn.functional.silu(Linear(h, $"{name}.mlp.gate_proj")) * Linear(h, $"{name}.mlp.up_proj"), $"{name}.mlp.down_proj");
        }

        return nn.functional.linear(Norm(x, "model.norm"), _weights[_folder.Spec.TieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"]);
    }

    private Tensor Attention(Tensor x, string name)
    {
        var (tokens, spec) = (x.shape[0], _folder.Spec);
        var q = Rotate(Heads(Linear(x, $"{name}.q_proj")));
        var k = Rotate(Heads(Linear(x, $"{name}.k_proj"))).repeat_interleave(spec.NumAttentionHeads / spec.NumKeyValueHeads, 0);
        var v = Heads(Linear(x, $"{name}.v_proj")).repeat_interleave(spec.NumAttentionHeads / spec.NumKeyValueHeads, 0);
        var future = ones([tokens, tokens], ScalarType.Bool).triu(1);
        var scores = q.bmm(k.transpose(1, 2)).Times(1 / Math.Sqrt(spec.HeadDim)).Masked(future, float.NegativeInfinity);
        return Linear(scores.softmax(-1).bmm(v).transpose(0, 1).reshape(tokens, -1), $"{name}.o_proj");
    }

    // [T, H D] to [H, T, D].
    private Tensor Heads(Tensor x) => x.view(x.shape[0], -1, _folder.Spec.HeadDim).transpose(0, 1);

    private Tensor Rotate(Tensor x)
    {
        var angles = TensorNumbers.Range(0, x.shape[1], CPU).to(ScalarType.Float32).unsqueeze(1) * tensor(_folder.Spec.RopeInverseFrequencies.ToArray()).unsqueeze(0);
        var both = cat([angles, angles], -1);
        var half = x.shape[2] / 2;
        return (x * both.cos()).Plus(cat([-x.narrow(2, half, half), x.narrow(2, 0, half)], -1) * both.sin());
    }

    private Tensor Norm(Tensor x, string name) =>
        x * (x * x).mean([-1], keepdim: true).Plus(_folder.Spec.RmsNormEps).rsqrt() * _weights[$"{name}.weight"];

    private Tensor Linear(Tensor x, string name)
    {
        var y = nn.functional.linear(x, _weights[$"{name}.weight"], _weights.GetValueOrDefault($"{name}.bias"));
        return _adapters.TryGetValue(name, out var lora) ? y.Plus(nn.functional.linear(nn.functional.linear(x, lora.A), lora.B).Times(lora.Scale)) : y;
    }

    private static Tensor Leaf(Tensor adapter) => adapter.detach().clone().requires_grad_(true);

    private static Tensor Read(TensorSlice slice)
    {
        Assert.Equal(DType.Bf16, slice.Dtype);
        var bytes = new byte[slice.Length];
        using var file = File.OpenRead(slice.File);
        file.Position = (long)slice.Offset;
        file.ReadExactly(bytes);
        var values = MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)).ToArray();
        return tensor(values).view([.. slice.Shape.Select(size => (long)size)]);
    }
}
