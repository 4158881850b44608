using System.Text;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tests.Models;

/// <summary>Rope scaling against the papers' formulas.</summary>
public sealed class RopeFrequenciesTests
{
    [Fact]
    public void Read_Default_IsThetaToTheMinusTwoIOverD()
    {
        float[] frequencies = Read("""{"rope_theta": 10000.0}""", 8);

        Assert.Equal([1f, 0.1f, 0.01f, 0.001f], frequencies);
        Assert.Equal(frequencies, Read("{}", 8));
        Assert.Equal(frequencies, Read("""{"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "rope_theta": 5.0}""", 8));
        Assert.Equal(frequencies, Read("""{"rope_theta": 10000, "rope_scaling": null}""", 8));
    }

    [Fact]
    public void Read_Linear_DividesEveryFrequency()
    {
        float[] frequencies = Read("""{"rope_scaling": {"type": "linear", "factor": 4.0}}""", 8);

        Assert.Equal([0.25f, 0.025f, 0.0025f, 0.00025f], frequencies);
    }

    [Fact]
    public void Read_Llama3_KeepsShortWavesDividesLongOnesAndInterpolates()
    {
        // Frequencies 1, 0.1, 0.01, 0.001; wavelengths 6.3, 63, 628, 6283; bounds 128 / 4 = 32 and 128.
        float[] frequencies = Read("""{"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}}""", 8);

        double smooth = ((128 / (2 * Math.PI / 0.1)) - 1) / 3;
        Assert.Equal([1f, (float)(((1 - smooth) * 0.1 / 8) + (smooth * 0.1)), 0.00125f, 0.000125f], frequencies);
    }

    [Theory]
    [InlineData("""{"rope_theta": 0.0}""", "rope_theta must be positive")]
    [InlineData("""{"rope_scaling": {"type": "linear", "factor": 0.0}}""", "rope factor must be positive")]
    [InlineData("""{"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.25}}""", "partial_rotary_factor")]
    [InlineData("""{"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}}""", "must be greater than low_freq_factor")]
    public void Read_SettingsThatMakeNoSense_AreRefused(string config, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidInputException>(() => Read(config, 8)).Message, StringComparison.Ordinal);

    private static float[] Read(string config, uint headDim) => RopeFrequencies.Read(ConfigDocument.Parse(Encoding.UTF8.GetBytes(config), "config.json"), headDim);
}
