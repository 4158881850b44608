using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Membership;

public sealed class SentMessagesTests
{
    private readonly SentMessages _sent = new();

    [Fact]
    public void Add_ManyWindows_KeepsTheNewestInOrder()
    {
        _sent.Add(new CoordinatorMessage { LoadStage = new LoadStage { Scope = Scope("a") } });
        for (ulong first = 1; first <= 10; first++) _sent.Add(Window("a", first));
        Assert.Equal([0UL, 8, 9, 10], _sent.All.Select(message => message.Window?.Steps[0].Number ?? 0));
    }

    [Fact]
    public void Add_Release_ForgetsTheJobAndNoOther()
    {
        _sent.Add(Window("a", 1));
        _sent.Add(Window("b", 1));
        _sent.Add(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("a") } });
        Assert.Equal(["b", "a"], _sent.All.Select(message => message.JobScope?.Job));
    }

    [Fact]
    public void Add_Join_ForgetsTheOlderGenerationOfItsJob()
    {
        _sent.Add(Window("a", 1));
        _sent.Add(Window("b", 1));
        _sent.Add(new CoordinatorMessage { Join = new JoinGeneration { Scope = Scope("a") } });
        _sent.Add(new CoordinatorMessage { LoadStage = new LoadStage { Scope = Scope("a") } });
        Assert.Equal([CoordinatorMessage.BodyOneofCase.Window, CoordinatorMessage.BodyOneofCase.Join, CoordinatorMessage.BodyOneofCase.LoadStage], _sent.All.Select(message => message.BodyCase));
    }

    /// <summary>A worker that was released and then serves the job again is not told to free everything when its stream breaks.</summary>
    [Fact]
    public void Add_LoadStage_ForgetsTheReleaseOfItsJobAndNoOther()
    {
        _sent.Add(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("a") } });
        _sent.Add(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("b") } });
        _sent.Add(new CoordinatorMessage { LoadStage = new LoadStage { Scope = Scope("a") } });
        Assert.Equal([("b", CoordinatorMessage.BodyOneofCase.Release), ("a", CoordinatorMessage.BodyOneofCase.LoadStage)], _sent.All.Select(message => (message.JobScope?.Job, message.BodyCase)));
    }

    [Fact]
    public void Add_OfACoordinatorThatWasTakenOverFrom_LeavesWhatTheNewerOneSaid()
    {
        _sent.Add(new CoordinatorMessage { Join = new JoinGeneration { Scope = Scope("a", fence: 2) } });
        _sent.Add(Window("b", 1));
        _sent.Add(new CoordinatorMessage { Join = new JoinGeneration { Scope = Scope("a") } });
        _sent.Add(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("a") } });
        Assert.Equal([(CoordinatorMessage.BodyOneofCase.Join, 2UL), (CoordinatorMessage.BodyOneofCase.Window, 1UL)], _sent.All.Select(message => (message.BodyCase, message.JobScope!.Fence)));
    }

    [Fact]
    public void Add_ManyPrompts_KeepsThoseThatMayBeUnanswered()
    {
        for (ulong request = 1; request <= 70; request++)
        {
            _sent.Add(new CoordinatorMessage { Generate = new GenerateRequest { Scope = Scope("a"), RequestId = request } });
            _sent.Add(new CoordinatorMessage { StopGenerating = new StopGenerating { Scope = Scope("a"), RequestId = request } });
        }

        Assert.Equal(Enumerable.Range(7, 64).Select(request => (ulong)request), _sent.All.Where(message => message.Generate is not null).Select(message => message.Generate.RequestId));
        Assert.Equal(64, _sent.All.Count(message => message.StopGenerating is not null));
    }

    private static JobScope Scope(string job, ulong fence = 1) => new() { Job = job, Generation = 1, Fence = fence };

    private static CoordinatorMessage Window(string job, ulong first) =>
        new() { Window = new StepWindow { Scope = Scope(job), Steps = { new Step { Number = first } } } };
}
