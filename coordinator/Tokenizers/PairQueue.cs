namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Places of pairs by the rank of their merge: the lowest rank first, and of one rank from the left.</summary>
/// <remarks>
/// For one thread; lists are kept for the next piece. Merges that are ordered (see <see cref="BpeMerges.AreOrdered"/>) never make a pair of a rank that was passed, so a
/// list a rank will do, and memory is walked from the left for each: the time stays linear. Any other list of merges goes through a heap of pairs.
/// </remarks>
internal sealed class PairQueue
{
    private readonly PriorityQueue<int, long> _pairs = new();
    private readonly PriorityQueue<int, int> _ranks = new();
    private readonly Dictionary<int, Round> _rounds = [];
    private readonly Stack<Round> _free = [];
    private Round? _current;
    private bool _ordered;

    /// <summary>Starts anew; the queue is empty after each piece.</summary>
    public void Begin(bool ordered) => _ordered = ordered;

    public void Add(int rank, int place)
    {
        if (!_ordered)
        {
            _pairs.Enqueue(place, ((long)rank << 32) | (uint)place);
            return;
        }

        if (!_rounds.TryGetValue(rank, out var round))
        {
            round = _free.TryPop(out var used) ? used : new Round();
            round.Rank = rank;
            _rounds.Add(rank, round);
            _ranks.Enqueue(rank, rank);
        }

        round.Add(place);
    }

    /// <summary>Takes the next pair; false if there is none.</summary>
    public bool TryTake(out int rank, out int place)
    {
        if (!_ordered)
        {
            bool taken = _pairs.TryDequeue(out place, out long priority);
            rank = (int)(priority >> 32);
            return taken;
        }

        while (_current is null || !_current.TryTake(out place))
        {
            if (_current is not null)
            {
                _free.Push(_current);
                _current = null;
            }

            if (!_ranks.TryDequeue(out int next, out _))
            {
                (rank, place) = (0, 0);
                return false;
            }

            _rounds.Remove(next, out _current);
            _current!.Start();
        }

        rank = _current.Rank;
        return true;
    }

    /// <summary>The places of one rank.</summary>
    private sealed class Round
    {
        private readonly List<int> _places = [];
        private bool _sorted = true;
        private int _next;

        public int Rank { get; set; }

        public void Add(int place)
        {
            _sorted &= _places.Count == 0 || _places[^1] <= place;
            _places.Add(place);
        }

        public void Start()
        {
            if (!_sorted)
            {
                _places.Sort();
            }

            _next = 0;
        }

        // Empty and ready for another rank once all places are taken.
        public bool TryTake(out int place)
        {
            if (_next < _places.Count)
            {
                place = _places[_next++];
                return true;
            }

            place = 0;
            _places.Clear();
            (_sorted, _next) = (true, 0);
            return false;
        }
    }
}
