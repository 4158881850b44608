using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Integration.Tests.Scoring;

/// <summary>What the reference's expected.safetensors files say.</summary>
internal static class GoldenTensors
{
    /// <summary>An int64 tensor, flat.</summary>
    public static long[] Ids(string file, string name)
    {
        var tensor = SafetensorsHeader.Read(file).Find(name) ?? throw new ArgumentException($"{file} has no {name}", nameof(name));
        return MemoryMarshal.Cast<byte, long>(File.ReadAllBytes(file).AsSpan(checked((int)tensor.Offset), checked((int)tensor.Length))).ToArray();
    }

    /// <summary>Log-probability of each next token, in fp64 from fp32 logits [tokens, vocabulary].</summary>
    public static double[] LogProbabilities(float[] logits, long[] ids)
    {
        int vocabulary = logits.Length / ids.Length;
        return [.. Enumerable.Range(0, ids.Length - 1).Select(position =>
        {
            var row = logits.AsSpan(position * vocabulary, vocabulary);
            double max = 0;
            foreach (float value in row)
            {
                max = Math.Max(max, value);
            }

            double sum = 0;
            foreach (float value in row)
            {
                sum += Math.Exp(value - max);
            }

            return row[(int)ids[position + 1]] - max - Math.Log(sum);
        })];
    }
}
