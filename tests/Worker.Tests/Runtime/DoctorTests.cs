using System.Globalization;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Runtime;

public sealed class DoctorTests
{
    [Fact]
    public void Examine_ThisMachine_FindsAllItsPartsAndCanRun()
    {
        var report = Doctor.Examine(new RuntimeOptions(Threads: NumericEnvironment.Threads));
        Assert.True(report.CanRun, report.Verdict);
        Assert.Contains("can run here", report.Verdict, StringComparison.Ordinal);
        foreach (var subject in (string[])["glibc", "instructions", "driver", "libtorch", "device"])
            Assert.Contains(report.Findings, f => f.Subject == subject);
        Assert.Equal(report.Verdict, report.Lines().Last());
    }

    [Theory]
    [InlineData("cuda:7", "--device cuda:7")]
    [InlineData("gpu", "'gpu' is unknown")]
    public void Examine_DeviceThatIsNotThere_SaysWhatToDo(string device, string sentence)
    {
        var report = Doctor.Examine(new RuntimeOptions(device, NumericEnvironment.Threads));
        Assert.False(report.CanRun);
        Assert.Contains(sentence, report.Verdict, StringComparison.Ordinal);
        Assert.Contains(report.Findings, f => f.IsProblem);
    }

    /// <summary>In a process of its own: one loads libtorch once.</summary>
    [Theory]
    [InlineData("", "There is no libtorch_cpu.so in '{0}'")]
    [InlineData("libtorch_cpu.so", "The libtorch in '{0}' is incomplete, it has no libc10.so")]
    [InlineData("libc10.so libtorch_cpu.so", "'{0}/libc10.so' does not load on this system: {0}/libc10.so: file too short")]
    public async Task Program_WithAFolderThatIsNoWholeLibTorch_SaysWhatIsWrongWithIt(string emptyFiles, string sentence)
    {
        var folder = Directory.CreateTempSubdirectory("libtorch-").FullName;
        try
        {
            foreach (var name in emptyFiles.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                await File.WriteAllTextAsync(Path.Combine(folder, name), "", TestContext.Current.CancellationToken);
            var expected = string.Format(CultureInfo.InvariantCulture, sentence, folder);

            var doctor = await RunAsync("doctor", "--libtorch", folder);
            Assert.True(doctor.ExitCode == 1, doctor.ToString());
            Assert.StartsWith($"A worker cannot run here: {expected}", doctor.Output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
            Assert.Empty(doctor.Errors);

            var worker = await RunAsync("--coordinator", "http://127.0.0.1:1", "--libtorch", folder);
            Assert.True(worker.ExitCode == 2, worker.ToString());
            Assert.StartsWith(expected, Assert.Single(worker.Errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("avx1024", "is unknown")]
    [InlineData("avx512", "this processor has only avx2")]
    public void Parse_PathThatCannotBe_IsRefused(string name, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<WorkerFaultException>(() => InstructionPaths.Parse(name, InstructionPath.Avx2)).Message, StringComparison.Ordinal);

    [Fact]
    public void Configure_AnotherThreadCount_IsRefused() =>
        Assert.Throws<InvalidOperationException>(() => NumericEnvironment.Configure(NumericEnvironment.Threads + 1, NumericEnvironment.Path));

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var worker = WorkerProgram.Start(folder: null, arguments);
        try
        {
            var (output, errors) = (worker.StandardOutput.ReadToEndAsync(), worker.StandardError.ReadToEndAsync());
            await worker.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            return (worker.ExitCode, await output, await errors);
        }
        finally
        {
            if (!worker.HasExited)
                worker.Kill();
        }
    }
}
