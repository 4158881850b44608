using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>What attention keeps for its backward: rotated queries [key heads, tokens, group * head_dim], rotated keys and values [key heads, tokens, head_dim].</summary>
internal readonly record struct AttentionHeads(Tensor Queries, Tensor Keys, Tensor Values);
