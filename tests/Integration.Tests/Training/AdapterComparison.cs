using Orchestrator.Coordinator.Models;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Training;

/// <summary>Holds the tensors of one safetensors file against those of another: names, types, shapes, and every value.</summary>
internal static class AdapterComparison
{
    public static void AssertNear(string expectedFile, string actualFile, double tolerance)
    {
        Assert.Equal(Shapes(expectedFile), Shapes(actualFile));
        var expected = RunOutput.Tensors(expectedFile);
        var actual = RunOutput.Tensors(actualFile);
        Assert.NotEmpty(expected);
        foreach (var (name, values) in expected)
        {
            // Max passes over NaN.
            double worst = values.Zip(actual[name], (a, b) => Math.Abs((double)a - b)).Select(off => double.IsNaN(off) ? double.PositiveInfinity : off).Max();
            Assert.True(worst <= tolerance, $"{name} is off by {worst}, allowed {tolerance}");
        }
    }

    private static IEnumerable<string> Shapes(string file) =>
        SafetensorsHeader.Read(file).Tensors.Select(tensor => $"{tensor.Name} {tensor.DTypeName} {tensor.ShapeText}").Order(StringComparer.Ordinal);
}
