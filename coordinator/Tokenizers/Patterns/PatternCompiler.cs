namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>Turns a parsed pattern into instructions, within bounds on their number.</summary>
internal sealed class PatternCompiler(string where)
{
    private const int MaxInstructions = 20_000;
    private const int MaxSteps = 100_000;

    private readonly List<Instruction> _code = [];
    private int _steps;

    /// <summary>Number of loops that remember a place.</summary>
    public int Slots { get; private set; }

    public Instruction[] Compile(PatternNode node)
    {
        Emit(node);
        Emit(new Instruction(Operation.Accept));
        return [.. _code];
    }

    private void Emit(PatternNode node)
    {
        // Copies of a body that emits nothing would pass below the bound on instructions.
        if (++_steps > MaxSteps)
        {
            throw TooLarge();
        }

        switch (node)
        {
            case SetNode set:
                Emit(new Instruction(Operation.Set, Set: set.Set));
                break;
            case SequenceNode sequence:
                foreach (var item in sequence.Items)
                {
                    Emit(item);
                }

                break;
            case ChoiceNode choice:
                EmitChoice(choice.Items);
                break;
            case RepeatNode { Body: SetNode set, Kind: not RepeatKind.Lazy } repeat:
                Emit(new Instruction(repeat.Kind == RepeatKind.Greedy ? Operation.GreedySet : Operation.PossessiveSet, repeat.Min, repeat.Max < 0 ? int.MaxValue : repeat.Max, set.Set));
                break;
            case RepeatNode { Kind: RepeatKind.Possessive } repeat:
                EmitAtomic(repeat with { Kind = RepeatKind.Greedy });
                break;
            case RepeatNode repeat:
                EmitRepeat(repeat);
                break;
            case AtomicNode atomic:
                EmitAtomic(atomic.Body);
                break;
            case LookNode look:
                EmitLook(look);
                break;
            case AnchorNode anchor:
                Emit(new Instruction(Operation.Assert, (int)anchor.Anchor));
                break;
        }
    }

    private void EmitChoice(IReadOnlyList<PatternNode> items)
    {
        var jumps = new List<int>();
        for (int i = 0; i < items.Count - 1; i++)
        {
            int fork = Reserve();
            Emit(items[i]);
            jumps.Add(Reserve());
            var rest = i == items.Count - 2 ? PatternFirstBytes.Of(items[^1]) : null;
            _code[fork] = new Instruction(Operation.Fork, fork + 1, _code.Count, First: PatternFirstBytes.Of(items[i]), Second: rest);
        }

        Emit(items[^1]);
        foreach (int jump in jumps)
        {
            _code[jump] = new Instruction(Operation.Jump, _code.Count);
        }
    }

    private void EmitRepeat(RepeatNode repeat)
    {
        for (int i = 0; i < repeat.Min; i++)
        {
            Emit(repeat.Body);
        }

        var first = PatternFirstBytes.Of(repeat.Body);
        if (repeat.Max < 0)
        {
            int fork = Reserve();
            int slot = Slots++;
            int start = first is null ? Emit(new Instruction(Operation.RoundStart, slot)) : -1;
            Emit(repeat.Body);
            int end = start >= 0 ? Reserve() : -1;
            Emit(new Instruction(Operation.Jump, fork));
            _code[fork] = Fork(fork + 1, _code.Count, repeat.Kind, first);
            if (end >= 0)
            {
                _code[end] = new Instruction(Operation.RoundEnd, slot, _code.Count);
            }

            return;
        }

        var forks = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            forks.Add(Reserve());
            Emit(repeat.Body);
        }

        foreach (int fork in forks)
        {
            _code[fork] = Fork(fork + 1, _code.Count, repeat.Kind, first);
        }
    }

    private static Instruction Fork(int body, int exit, RepeatKind kind, bool[]? first) => kind == RepeatKind.Lazy
        ? new Instruction(Operation.Fork, exit, body, Second: first)
        : new Instruction(Operation.Fork, body, exit, First: first);

    private void EmitAtomic(PatternNode body)
    {
        int atomic = Reserve();
        Emit(body);
        Emit(new Instruction(Operation.Accept));
        _code[atomic] = new Instruction(Operation.Atomic, atomic + 1, _code.Count);
    }

    private void EmitLook(LookNode look)
    {
        int at = Reserve();
        var looks = new List<(int, int)>();
        foreach (var body in look is { Ahead: false, Body: ChoiceNode choice } ? choice.Items : [look.Body])
        {
            looks.Add((look.Ahead ? 0 : Width(body), _code.Count));
            Emit(body);
            Emit(new Instruction(Operation.Accept));
        }

        _code[at] = new Instruction(Operation.Look, look.Negative ? 1 : 0, _code.Count, Looks: [.. looks]);
    }

    // How many characters a body behind the place takes: each alternative must take one number of them.
    private int Width(PatternNode node)
    {
        int width = node switch
        {
            SetNode => 1,
            SequenceNode sequence => sequence.Items.Sum(Width),
            ChoiceNode choice when choice.Items.Select(Width).Distinct().Count() == 1 => Width(choice.Items[0]),
            RepeatNode repeat when repeat.Min == repeat.Max && repeat.Max <= MaxInstructions => repeat.Min * Width(repeat.Body),
            AtomicNode atomic => Width(atomic.Body),
            LookNode or AnchorNode => 0,
            _ => throw new InvalidInputException($"{where}: the regular expression looks behind for a text of no fixed length, which is not supported; use another tokenizer."),
        };
        return width is >= 0 and <= MaxInstructions ? width : throw TooLarge();
    }

    // A place for an instruction whose targets are not known yet.
    private int Reserve() => Emit(new Instruction(Operation.Jump));

    private int Emit(Instruction instruction)
    {
        if (_code.Count >= MaxInstructions)
        {
            throw TooLarge();
        }

        _code.Add(instruction);
        return _code.Count - 1;
    }

    private InvalidInputException TooLarge() => new($"{where}: the regular expression is too large once its repetitions are written out; use another tokenizer.");
}
