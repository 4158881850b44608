using System.Collections.Frozen;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>The element types that a safetensors header may name, with their sizes.</summary>
/// <remarks>The list is that of the safetensors specification; types that no worker computes with have no <see cref="DType"/>.</remarks>
internal static class SafetensorsDTypes
{
    private static readonly FrozenDictionary<string, (int Bits, DType DType)> Known = new Dictionary<string, (int, DType)>
    {
        ["BOOL"] = (8, DType.Bool),
        ["U8"] = (8, DType.U8),
        ["I8"] = (8, DType.I8),
        ["I16"] = (16, DType.I16),
        ["I32"] = (32, DType.I32),
        ["I64"] = (64, DType.I64),
        ["F16"] = (16, DType.F16),
        ["BF16"] = (16, DType.Bf16),
        ["F32"] = (32, DType.F32),
        ["F64"] = (64, DType.F64),
        ["U16"] = (16, DType.Unspecified),
        ["U32"] = (32, DType.Unspecified),
        ["U64"] = (64, DType.Unspecified),
        ["C64"] = (64, DType.Unspecified),
        ["F8_E4M3"] = (8, DType.Unspecified),
        ["F8_E5M2"] = (8, DType.Unspecified),
        ["F8_E8M0"] = (8, DType.Unspecified),
        ["F6_E2M3"] = (6, DType.Unspecified),
        ["F6_E3M2"] = (6, DType.Unspecified),
        ["F4"] = (4, DType.Unspecified),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<DType, string> Names =
        Known.Where(pair => pair.Value.DType != DType.Unspecified).ToFrozenDictionary(pair => pair.Value.DType, pair => pair.Key);

    /// <summary>Whether the name is one of the specification's; its bits an element and the type workers know it by, or <see cref="DType.Unspecified"/>.</summary>
    public static bool TryFind(string name, out int bits, out DType dtype)
    {
        bool found = Known.TryGetValue(name, out (int Bits, DType DType) entry);
        (bits, dtype) = entry;
        return found;
    }

    /// <summary>The header's spelling of a type that workers know.</summary>
    public static string NameOf(DType dtype) => Names[dtype];

    /// <summary>Bytes an element of a type that workers know.</summary>
    public static int BytesOf(DType dtype) => Known[Names[dtype]].Bits / 8;
}
