namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>A wrong command line of the worker's program: its own sentences, none of the library's.</summary>
public sealed class WorkerCommandTests
{
    [Theory]
    [InlineData("--threads x", "--threads 'x' is not a whole number.")]
    [InlineData("doctor --threads x", "--threads 'x' is not a whole number.")]
    [InlineData("--thread 3", "--thread is no option of orchestrator-worker; did you mean --threads?")]
    [InlineData("doctor --devise cpu --json", "--devise is no option of doctor; did you mean --device?")]
    [InlineData("doktor", "'doktor' is no command; did you mean doctor?")]
    [InlineData("doctor now", "'now' is too much: doctor takes options alone.")]
    [InlineData("--device", "--device has no value; give cpu or cuda:N.")]
    [InlineData("--device cpu --device cpu", "--device is given more than once; give it once.")]
    [InlineData("--memory-limit much", "--memory-limit 'much' is no size like 80GB or 64GiB.")]
    [InlineData("--cache-limit none", "--cache-limit 'none' is no size like 80GB or 64GiB.")]
    public async Task Program_WrongCommandLine_EndsWithTwoAndASentence(string arguments, string sentence)
    {
        using var worker = WorkerProgram.Start(folder: null, arguments.Split(' '));
        try
        {
            var errors = await worker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await worker.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal((2, sentence), (worker.ExitCode, errors.TrimEnd()));
        }
        finally
        {
            if (!worker.HasExited)
                worker.Kill();
        }
    }
}
