using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>What a module of the model is, as far as adapters care.</summary>
internal enum ModuleKind
{
    /// <summary>A container, norm, activation or rotary embedding.</summary>
    Other,

    /// <summary>A linear layer of the decoder.</summary>
    Linear,

    /// <summary>The input embedding.</summary>
    Embedding,

    /// <summary>The output head.</summary>
    Head,
}

/// <summary>A module by the name that transformers' <c>named_modules</c> gives it.</summary>
internal sealed record ModelModule(string Name, ModuleKind Kind, LinearLayer? Linear = null);

/// <summary>All modules of a decoder model: what a target pattern is matched against.</summary>
internal static class ModuleTree
{
    public static IEnumerable<ModelModule> Of(ModelSpec model)
    {
        yield return new("", ModuleKind.Other);
        yield return new("model", ModuleKind.Other);
        yield return new("model.embed_tokens", ModuleKind.Embedding);
        yield return new("model.layers", ModuleKind.Other);
        for (uint layer = 0; layer < model.NumLayers; layer++)
        {
            string name = $"model.layers.{layer}";
            yield return new(name, ModuleKind.Other);
            yield return new($"{name}.self_attn", ModuleKind.Other);
            yield return new($"{name}.mlp", ModuleKind.Other);
            yield return new($"{name}.mlp.act_fn", ModuleKind.Other);
            yield return new($"{name}.input_layernorm", ModuleKind.Other);
            yield return new($"{name}.post_attention_layernorm", ModuleKind.Other);
            foreach (LinearLayer linear in ModelTensors.LinearsOf(model, layer))
            {
                yield return new(linear.Module, ModuleKind.Linear, linear);
            }
        }

        yield return new("model.norm", ModuleKind.Other);
        yield return new("model.rotary_emb", ModuleKind.Other);
        yield return new(ModelTensors.Head, ModuleKind.Head);
    }
}
