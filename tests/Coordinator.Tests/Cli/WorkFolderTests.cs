using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class WorkFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Under_OutputThatIsAFile_SaysThatAFolderIsToBeGiven()
    {
        File.WriteAllText(_folder.At("notes"), "mine");
        Assert.Equal($"The output {_folder.At("notes")} is a file; give a folder.", Refusal(_folder.At("notes")));
        Assert.Equal($"The output {_folder.At("notes", "a", "b")} cannot be a folder, for {_folder.At("notes")} is a file; give a folder.", Refusal(_folder.At("notes", "a", "b")));
        Assert.Equal("mine", File.ReadAllText(_folder.At("notes")));
    }

    private static string Refusal(string output) => Assert.Throws<InvalidInputException>(() => WorkFolder.Under(output)).Message;
}
