using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>How sixteen elements of a row get into registers as fp32 and back: the code of a row operation is compiled once for each.</summary>
internal unsafe interface IRowElement
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Size { get; }

    /// <summary>Sixteen elements from <paramref name="i"/> on; those past the width are zero.</summary>
    static abstract Vector512<float> Load(byte* row, int i, int width);

    /// <summary>Writes those of sixteen elements that lie within the width, rounded to nearest even.</summary>
    static abstract void Store(Vector512<float> values, byte* row, int i, int width);

    /// <summary>Rounds to the element's precision.</summary>
    static abstract Vector512<float> Round(Vector512<float> values);
}
