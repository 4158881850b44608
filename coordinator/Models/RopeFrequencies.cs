using System.Text.Json;

namespace Orchestrator.Coordinator.Models;

/// <summary>Turns a folder's rope settings into inverse frequencies with the scaling already applied.</summary>
/// <remarks>Computed in double precision and rounded once to float. Types: default, linear and llama3 (Llama 3.1's scaling by wavelength).</remarks>
internal static class RopeFrequencies
{
    private static readonly string[] Supported = ["default", "linear", "llama3"];

    /// <summary>Reads both spellings: <c>rope_parameters</c> (transformers 5) and <c>rope_theta</c> with <c>rope_scaling</c>.</summary>
    public static float[] Read(ConfigDocument config, uint headDim)
    {
        ConfigDocument? parameters = config.Object("rope_parameters");
        ConfigDocument? scaling = parameters ?? config.Object("rope_scaling");
        double theta = parameters?.Number("rope_theta") ?? config.Number("rope_theta") ?? 10000.0;
        if (theta <= 0)
        {
            throw new InvalidInputException($"{config.File}: rope_theta must be positive, not {theta}.");
        }

        string type = scaling?.Text("rope_type") ?? scaling?.Text("type") ?? "default";
        if (!Supported.Contains(type))
        {
            throw new InvalidInputException($"{config.File}: rope type '{ForeignText.Clip(type)}' is not supported; supported are {string.Join(", ", Supported)}.");
        }

        if (scaling is not null && type == "default" && scaling.Root.EnumerateObject().Any(property => property.Value.ValueKind == JsonValueKind.Object))
        {
            throw new InvalidInputException($"{config.File}: rope settings of their own for each layer type are not supported; one set for all layers is.");
        }

        if ((parameters?.Number("partial_rotary_factor") ?? config.Number("partial_rotary_factor") ?? 1.0) != 1.0)
        {
            throw new InvalidInputException($"{config.File}: partial_rotary_factor other than 1 is not supported.");
        }

        double[] frequencies = [.. Enumerable.Range(0, (int)(headDim / 2)).Select(i => 1.0 / Math.Pow(theta, 2.0 * i / headDim))];
        Func<double, double> scale = type switch
        {
            "linear" => Linear(scaling!),
            "llama3" => Llama3(config, scaling!),
            _ => static frequency => frequency,
        };
        return [.. frequencies.Select(frequency => (float)scale(frequency))];
    }

    private static Func<double, double> Linear(ConfigDocument scaling)
    {
        double factor = Factor(scaling, "factor");
        return frequency => frequency / factor;
    }

    // Long wavelengths are divided by the factor, short ones kept, those between interpolated.
    private static Func<double, double> Llama3(ConfigDocument config, ConfigDocument scaling)
    {
        double factor = Factor(scaling, "factor");
        double low = Factor(scaling, "low_freq_factor");
        double high = Factor(scaling, "high_freq_factor");
        double original = scaling.Number("original_max_position_embeddings")
            ?? config.Number("original_max_position_embeddings")
            ?? config.Number("max_position_embeddings")
            ?? throw scaling.Missing("original_max_position_embeddings");
        if (high <= low)
        {
            throw new InvalidInputException($"{config.File}: high_freq_factor ({high}) must be greater than low_freq_factor ({low}).");
        }

        return frequency =>
        {
            double wavelength = 2 * Math.PI / frequency;
            if (wavelength < original / high)
            {
                return frequency;
            }

            if (wavelength > original / low)
            {
                return frequency / factor;
            }

            double smooth = ((original / wavelength) - low) / (high - low);
            return ((1 - smooth) * frequency / factor) + (smooth * frequency);
        };
    }

    private static double Factor(ConfigDocument scaling, string key)
    {
        double factor = scaling.Number(key) ?? throw scaling.Missing(key);
        return factor > 0 ? factor : throw new InvalidInputException($"{scaling.File}: rope {key} must be positive, not {factor}.");
    }
}
