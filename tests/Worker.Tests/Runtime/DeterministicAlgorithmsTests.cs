using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Runtime;

/// <summary>The flag as far as a machine without a card shows it: libtorch's own operations obey it.</summary>
[Collection(nameof(AloneCollection))]
public sealed class DeterministicAlgorithmsTests : IDisposable
{
    public DeterministicAlgorithmsTests() => DeterministicAlgorithms.Required = false;

    [Theory]
    [InlineData(DeviceType.CUDA, true)]
    [InlineData(DeviceType.CPU, false)]
    public void ApplyToLibTorch_OfEachDevice_RequiresThemOnCardsAlone(DeviceType device, bool required)
    {
        NumericEnvironment.ApplyToLibTorch(device);
        Assert.Equal(required, DeterministicAlgorithms.Required);
        Assert.Equal(required, IsObeyed());
    }

    public void Dispose() => DeterministicAlgorithms.Required = false;

    // Where they are required, memory that nothing was written to is filled, so that it does not differ from run to run.
    private static bool IsObeyed()
    {
        using var scope = torch.NewDisposeScope();
        // What lay there last was no such filling: it may be the memory of the case before.
        torch.zeros(64, 64).Dispose();
        return torch.empty(64, 64).isnan().all().item<bool>();
    }
}
