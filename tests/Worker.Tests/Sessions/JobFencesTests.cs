using Orchestrator.Protos;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class JobFencesTests
{
    private readonly JobFences _fences = new();

    [Theory]
    [InlineData(4, 7, false)]
    [InlineData(5, 6, false)]
    [InlineData(9, 6, false)]
    [InlineData(4, 9, false)]
    [InlineData(5, 7, true)]
    [InlineData(6, 7, true)]
    [InlineData(5, 8, true)]
    public void Admit_AfterFence5AndGeneration7_RefusesOlderOnesAndCountsThem(ulong fence, ulong generation, bool admitted)
    {
        Assert.True(_fences.Admit(Scope("job", 5, 7)));
        Assert.Equal(admitted, _fences.Admit(Scope("job", fence, generation)));
        Assert.Equal(admitted ? 0 : 1, _fences.StaleDropped);
    }

    [Fact]
    public void Admit_RefusedCommand_LowersNothing()
    {
        _fences.Admit(Scope("job", 5, 7));
        _fences.Admit(Scope("job", 9, 6));
        Assert.True(_fences.Admit(Scope("job", 5, 7)));
        Assert.False(_fences.Admit(Scope("job", 4, 7)));
    }

    [Fact]
    public void Admit_AnotherJob_HasItsOwnFence()
    {
        _fences.Admit(Scope("job", 5, 7));
        Assert.True(_fences.Admit(Scope("other", 1, 1)));
    }

    [Fact]
    public void Admit_ManyOtherJobs_ForgetsNoLiveOne()
    {
        _fences.Admit(Scope("live", 5, 7));
        for (var i = 0; i <= 2 * JobFences.KeptReleased; i++)
            PassThrough($"job-{i}");
        Assert.False(_fences.Admit(Scope("live", 4, 7)));
        for (var i = 0; i <= 2 * JobFences.KeptReleased; i++)
            _fences.Admit(Scope($"also-live-{i}", 2, 2));
        Assert.False(_fences.Admit(Scope("live", 4, 7)));
        Assert.False(_fences.Admit(Scope("also-live-0", 1, 2)));
    }

    [Fact]
    public void Release_LateCommand_IsStillRefusedUntilManyOthersWereReleased()
    {
        _fences.Admit(Scope("job", 5, 7));
        _fences.Release("job");
        Assert.False(_fences.Admit(Scope("job", 4, 7)));
        for (var i = 0; i < JobFences.KeptReleased; i++)
            PassThrough($"job-{i}");
        Assert.True(_fences.Admit(Scope("job", 1, 1)));
    }

    [Fact]
    public void Release_JobThatIsServedAgain_IsNotForgotten()
    {
        PassThrough("job");
        _fences.Admit(Scope("job", 5, 7));
        for (var i = 0; i < 2 * JobFences.KeptReleased; i++)
            PassThrough($"job-{i}");
        Assert.False(_fences.Admit(Scope("job", 4, 7)));
    }

    [Fact]
    public void Release_JobThatIsReleasedAgain_IsRememberedFromThenOn()
    {
        PassThrough("job");
        for (var i = 1; i < JobFences.KeptReleased; i++)
            PassThrough($"job-{i}");
        _fences.Admit(Scope("job", 5, 7));
        _fences.Release("job");
        PassThrough("one more");
        Assert.False(_fences.Admit(Scope("job", 4, 7)));
    }

    private void PassThrough(string job)
    {
        _fences.Admit(Scope(job, 1, 1));
        _fences.Release(job);
    }

    private static JobScope Scope(string job, ulong fence, ulong generation) => new() { Job = job, Fence = fence, Generation = generation };
}
