using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>A tensor that a model must have.</summary>
/// <param name="Name">Hugging Face name.</param>
/// <param name="Shape">Exact shape.</param>
/// <param name="Linear">The name of the linear layer whose weight this is, else null: only these are ever quantized.</param>
internal sealed record ExpectedTensor(string Name, ulong[] Shape, string? Linear = null);

/// <summary>A linear layer of a model; <see cref="Layer"/> is null for the output head.</summary>
internal sealed record LinearLayer(string Module, uint? Layer, uint InFeatures, uint OutFeatures, bool Bias);

/// <summary>Names and shapes of a decoder model's tensors and linear layers.</summary>
/// <remarks>Pure. The order is the model's: embedding, layers with their modules as the forward pass meets them, final norm, head.</remarks>
internal static class ModelTensors
{
    /// <summary>The input embedding's weight.</summary>
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>The final norm's weight.</summary>
    public const string FinalNorm = "model.norm.weight";

    /// <summary>The output head's module.</summary>
    public const string Head = "lm_head";

    /// <summary>The linear layers of one decoder layer, in the order q, k, v, o, gate, up, down.</summary>
    public static IReadOnlyList<LinearLayer> LinearsOf(ModelSpec model, uint layer)
    {
        uint queries = model.NumAttentionHeads * model.HeadDim;
        uint keys = model.NumKeyValueHeads * model.HeadDim;
        string attention = $"model.layers.{layer}.self_attn.";
        string mlp = $"model.layers.{layer}.mlp.";
        return
        [
            new($"{attention}q_proj", layer, model.HiddenSize, queries, model.QkvBias),
            new($"{attention}k_proj", layer, model.HiddenSize, keys, model.QkvBias),
            new($"{attention}v_proj", layer, model.HiddenSize, keys, model.QkvBias),
            new($"{attention}o_proj", layer, queries, model.HiddenSize, model.AttentionOutputBias),
            new($"{mlp}gate_proj", layer, model.HiddenSize, model.IntermediateSize, model.MlpBias),
            new($"{mlp}up_proj", layer, model.HiddenSize, model.IntermediateSize, model.MlpBias),
            new($"{mlp}down_proj", layer, model.IntermediateSize, model.HiddenSize, model.MlpBias),
        ];
    }

    /// <summary>All linear layers but the head, in (layer, module) order.</summary>
    public static IEnumerable<LinearLayer> LinearsOf(ModelSpec model)
    {
        for (uint layer = 0; layer < model.NumLayers; layer++)
        {
            foreach (LinearLayer linear in LinearsOf(model, layer))
            {
                yield return linear;
            }
        }
    }

    /// <summary>The tensors of layers <paramref name="firstLayer"/> to <paramref name="lastLayer"/> (inclusive), with the embedding and the head where asked.</summary>
    /// <remarks>A tied head needs the embedding's weight; it is listed once.</remarks>
    public static IEnumerable<ExpectedTensor> Of(ModelSpec model, uint firstLayer, uint lastLayer, bool embedding, bool head)
    {
        ulong hidden = model.HiddenSize;
        if (embedding || (head && model.TieWordEmbeddings))
        {
            yield return new(Embedding, [model.VocabSize, hidden]);
        }

        for (uint layer = firstLayer; layer <= lastLayer; layer++)
        {
            yield return new($"model.layers.{layer}.input_layernorm.weight", [hidden]);
            yield return new($"model.layers.{layer}.post_attention_layernorm.weight", [hidden]);
            foreach (LinearLayer linear in LinearsOf(model, layer))
            {
                yield return new($"{linear.Module}.weight", [linear.OutFeatures, linear.InFeatures], linear.Module);
                if (linear.Bias)
                {
                    yield return new($"{linear.Module}.bias", [linear.OutFeatures]);
                }
            }
        }

        if (head)
        {
            yield return new(FinalNorm, [hidden]);
            if (!model.TieWordEmbeddings)
            {
                yield return new($"{Head}.weight", [model.VocabSize, hidden], Head);
            }
        }
    }

    /// <summary>Every tensor of the model.</summary>
    public static IEnumerable<ExpectedTensor> Of(ModelSpec model) => Of(model, 0, model.NumLayers - 1, embedding: true, head: true);
}
