using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Commands;

/// <summary><c>orchestrator-worker doctor</c> as a command: what it prints, its verdict and its exit code.</summary>
public sealed class DoctorTests
{
    [Fact]
    public void Doctor_OnThisMachine_SaysThatAWorkerCanRun()
    {
        var result = Run("doctor");
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] lines = result.Output.TrimEnd().Split('\n');
        Assert.Equal("A worker with --device cpu can run here.", lines[^1]);
        Assert.All(lines[..^1], line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
        foreach (string subject in new[] { "glibc", "instructions", "driver", "libtorch", "numeric class", "device" })
        {
            Assert.Contains(lines, line => line.StartsWith($"ok {subject} ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Doctor_AsJson_IsOneDocument()
    {
        var result = Run("doctor", "--json", "--threads", "2");
        Assert.True(result.ExitCode == 0, result.ToString());
        var report = JsonDocument.Parse(result.Output).RootElement;
        Assert.True(report.GetProperty("can_run").GetBoolean());
        Assert.EndsWith("can run here.", report.GetProperty("verdict").GetString(), StringComparison.Ordinal);
        var numericClass = report.GetProperty("findings").EnumerateArray().First(finding => finding.GetProperty("subject").GetString() == "numeric class");
        Assert.EndsWith("2 threads", numericClass.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.False(numericClass.GetProperty("is_problem").GetBoolean());
    }

    [Theory]
    [InlineData("--device", "cuda:7", "cuda:7")]
    [InlineData("--libtorch", "/nowhere", "/nowhere")]
    public void Doctor_WhereAWorkerCannotRun_SaysWhatToDoAndEndsWithOne(string option, string value, string sentence)
    {
        var result = Run("doctor", option, value);
        Assert.True(result.ExitCode == 1, result.ToString());
        string verdict = result.Output.TrimEnd().Split('\n')[^1];
        Assert.StartsWith("A worker cannot run here: ", verdict, StringComparison.Ordinal);
        Assert.Contains(sentence, verdict, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("doctor", "--threads", "0")]
    [InlineData("doctor", "--threads", "many")]
    [InlineData("doctor", "--no-such-option")]
    [InlineData("doctor", "--device", "gpu")]
    [InlineData("doctor", "--device", "cuda:-1")]
    [InlineData("doctor", "--numeric-class", "avx1024")]
    [InlineData("doctor", "--libtorch", "")]
    [InlineData("--threads", "0", "--coordinator", "http://127.0.0.1:1")]
    [InlineData("--device", "cuda:-1", "--coordinator", "http://127.0.0.1:1")]
    [InlineData("--join-token-file", "", "--coordinator", "http://127.0.0.1:1")]
    [InlineData("--cache", "", "--coordinator", "http://127.0.0.1:1")]
    [InlineData("--listen", "192.0.2.1:0", "--coordinator", "http://127.0.0.1:1")]
    public void Worker_WrongOption_EndsWithTwoAndASentence(params string[] arguments)
    {
        var result = Run(arguments);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Empty(result.Output);
        Assert.Contains(arguments.First(argument => argument.StartsWith("--", StringComparison.Ordinal)), result.Errors, StringComparison.Ordinal);
        string[] lines = result.Errors.TrimEnd().Split('\n');
        Assert.Equal(lines.Distinct(), lines);
        AssertNoStackTrace(result);
    }

    /// <summary>A failure that no part of the worker expects.</summary>
    [Fact]
    public void Doctor_WithoutAPlaceForItsReport_EndsWithOneAndASentence()
    {
        using var process = OrchestratorProcess.StartProgram("sh", ["-c", "exec \"$0\" doctor > /dev/full", Repository.Worker], new Dictionary<string, string>(StringComparer.Ordinal));
        var result = process.Finish();
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.StartsWith("The disk is full: ", result.Errors, StringComparison.Ordinal);
        AssertNoStackTrace(result);
    }

    private static void AssertNoStackTrace(RunResult result)
    {
        Assert.DoesNotContain("Exception", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
    }

    private static RunResult Run(params string[] arguments)
    {
        using var process = OrchestratorProcess.StartProgram(Repository.Worker, arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_JOIN_TOKEN"] = "none" });
        return process.Finish();
    }
}
