using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Tree;

/// <summary><c>.ci/tree</c> hears a broken rule, and says so where git gives it nothing to check.</summary>
public sealed class TreeRulesTests
{
    [Fact]
    public void Tree_WithoutARepository_FailsAndSaysWhy()
    {
        using var folder = new TemporaryFolder();
        var result = Check(folder, "true");
        Assert.NotEqual(0, result.ExitCode);
        Assert.StartsWith("The tree cannot be checked, for git does not work here: ", result.Output, StringComparison.Ordinal);
        Assert.Matches("repository", result.Output);
    }

    [Fact]
    public void Tree_InAFolderOfAnotherRepository_FailsAndSaysWhy()
    {
        using var folder = new TemporaryFolder();
        var result = Check(folder, "git init -q ..");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("is not the top of a git work tree", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Tree_ThatKeepsTheRules_Passes()
    {
        using var folder = new TemporaryFolder();
        var result = Check(folder, "git init -q . && git add .ci");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("", result.Output);
    }

    [Fact]
    public void Tree_ThatBreaksARule_NamesTheFile()
    {
        using var folder = new TemporaryFolder();
        var result = Check(folder, "touch stray.txt && git init -q . && git add .ci stray.txt");
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("Not a place of the top level:\nstray.txt\n", result.Output);
    }

    /// <summary>Runs a copy of the rules in a folder that a line of shell has made ready.</summary>
    private static RunResult Check(TemporaryFolder folder, string prepare)
    {
        string tree = folder["inner"];
        folder.WriteProgram("inner/.ci/tree", File.ReadAllText(Path.Combine(Repository.Root, ".ci", "tree")));
        using var process = OrchestratorProcess.StartProgram("/bin/sh", ["-c", "cd \"$1\" && { " + prepare + "; } && exec .ci/tree", "sh", tree]);
        return process.Finish();
    }
}
