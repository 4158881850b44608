using System.Collections.Concurrent;
using System.Diagnostics;
using Orchestrator.Protos;
using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Generation;

/// <summary>Answers requests on a whole model, several at a time: whoever waits takes the row of an answer that ended.</summary>
/// <remarks>
/// <see cref="Enqueue"/> and <see cref="Stop"/> from any thread; the rest on the compute thread. A row's tokens do not depend on the other rows (see <see cref="CachedForward"/>), so an
/// answer is the same alone and in any company. Tokens are told a few dozen times a second: fast enough for eyes, rare enough for the stream.
/// </remarks>
internal sealed class GenerationEngine(StageModel model, JobScope scope, Action<string> does, Action<WorkerMessage> report) : IDisposable
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromMilliseconds(25);

    private readonly CachedForward _forward = new(model);
    private readonly ConcurrentQueue<GenerateRequest> _waiting = new();
    private readonly ConcurrentDictionary<ulong, bool> _stopped = new();
    private readonly Answer?[] _rows = new Answer?[CachedForward.Rows];
    private readonly KeyValueCache?[] _caches = new KeyValueCache?[CachedForward.Rows];
    private readonly List<Answer> _untold = [];
    private long _lastReport = Stopwatch.GetTimestamp();

    public void Enqueue(GenerateRequest request) => _waiting.Enqueue(request);

    /// <summary>Ends an answer at its next token.</summary>
    public void Stop(ulong requestId) => _stopped[requestId] = true;

    /// <summary>Answers all that wait.</summary>
    /// <exception cref="OperationCanceledException">The job was released.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        var tokens = 0L;
        while (FillRows(cancellationToken))
        {
            does($"generates: {Array.FindAll(_rows, row => row is not null).Length} answers, {++tokens} steps");
            Step();
            Report(due: false);
        }

        Report(due: true);
    }

    public void Dispose()
    {
        foreach (var cache in _caches)
            cache?.Dispose();
    }

    // False: nothing is left to do.
    private bool FillRows(CancellationToken cancellationToken)
    {
        for (var row = 0; row < _rows.Length; row++)
        {
            while (_rows[row] is null && _waiting.TryDequeue(out var request))
            {
                cancellationToken.ThrowIfCancellationRequested();
                does($"generates: reads the {request.Prompt.Count} tokens of prompt {request.RequestId}");
                _rows[row] = Begin(new Answer(request, _forward.Vocabulary), row);
                Report(due: false);
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return Array.Exists(_rows, row => row is not null);
    }

    private Answer? Begin(Answer answer, int row)
    {
        var cache = _caches[row] ??= _forward.NewCache();
        cache.Clear();
        using var logits = _forward.Prompt(answer.Prompt, cache);
        return Take(answer, logits[0]);
    }

    private void Step()
    {
        var caches = new KeyValueCache?[_rows.Length];
        for (var row = 0; row < caches.Length; row++)
            caches[row] = _rows[row] is null ? null : _caches[row];
        using var logits = _forward.Step(Array.ConvertAll(_rows, answer => answer?.Newest ?? 0), caches);
        for (var row = 0; row < _rows.Length; row++)
        {
            if (_rows[row] is { } answer)
                _rows[row] = Take(answer, logits[row]);
        }
    }

    // Null: it ended and leaves its row.
    private Answer? Take(Answer answer, ReadOnlySpan<float> logits)
    {
        answer.Take(logits);
        if (_stopped.ContainsKey(answer.RequestId))
            answer.Stop();
        if (!_untold.Contains(answer))
            _untold.Add(answer);
        if (!answer.HasEnded)
            return answer;
        _stopped.TryRemove(answer.RequestId, out _);
        return null;
    }

    private void Report(bool due)
    {
        if (_untold.Count == 0 || (!due && Stopwatch.GetElapsedTime(_lastReport) < BetweenReports))
            return;
        _lastReport = Stopwatch.GetTimestamp();
        report(new WorkerMessage { Generate = new GenerateResult { Scope = scope, Parts = { _untold.Select(answer => answer.Untold()).OfType<AnswerPart>() } } });
        _untold.Clear();
    }
}
