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

    [Theory]
    [InlineData("avx1024", "is unknown")]
    [InlineData("avx512", "this processor has only avx2")]
    public void Parse_PathThatCannotBe_IsRefused(string name, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<WorkerFaultException>(() => InstructionPaths.Parse(name, InstructionPath.Avx2)).Message, StringComparison.Ordinal);

    [Fact]
    public void Configure_AnotherThreadCount_IsRefused() =>
        Assert.Throws<InvalidOperationException>(() => NumericEnvironment.Configure(NumericEnvironment.Threads + 1, NumericEnvironment.Path));
}
