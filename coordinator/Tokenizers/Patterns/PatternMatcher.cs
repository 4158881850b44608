using System.Text;

namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>Runs patterns over UTF-8 by backtracking on a stack of its own.</summary>
/// <remarks>
/// For one thread. The text must be valid UTF-8; places are byte offsets at the borders of characters. The work on one text is bounded: a pattern that needs
/// more steps than a multiple of the text's length is refused rather than waited for.
/// </remarks>
internal sealed class PatternMatcher
{
    // Published patterns need some ten steps a byte.
    private const long BaseSteps = 2_000_000;
    private const long StepsPerByte = 500;

    private Frame[] _stack = new Frame[64];
    private int _top;
    private int[] _slots = [];
    private long _steps;

    /// <summary>Appends the matches in <paramref name="text"/>, from the left, as the engine's iterator gives them: no empty match right after a match.</summary>
    public void FindAll(PatternProgram program, ReadOnlySpan<byte> text, List<(int Start, int End)> matches)
    {
        _steps = BaseSteps + (StepsPerByte * text.Length);
        if (_slots.Length < program.Slots)
        {
            _slots = new int[program.Slots];
        }

        int at = 0;
        int lastEnd = -1;
        while (at <= text.Length && Find(program, text, at) is ( >= 0 and var start, var end))
        {
            if (start == end && end == lastEnd)
            {
                at = end < text.Length ? end + RuneLength(text[end]) : end + 1;
                continue;
            }

            matches.Add((start, end));
            at = lastEnd = end;
        }
    }

    private (int Start, int End) Find(PatternProgram program, ReadOnlySpan<byte> text, int from)
    {
        for (int start = from; start <= text.Length; start += start < text.Length ? RuneLength(text[start]) : 1)
        {
            if (program.FirstBytes is { } first && (start == text.Length || !first[text[start]]))
            {
                Spend(program, 1);
                continue;
            }

            _top = 0;
            int end = Run(program, text, 0, start);
            if (end >= 0)
            {
                return (start, end);
            }
        }

        return (-1, -1);
    }

    // The end of the first match from pc at the place, or -1. Frames of the caller stay below.
    private int Run(PatternProgram program, ReadOnlySpan<byte> text, int pc, int at)
    {
        int bottom = _top;
        var code = program.Code;
        while (true)
        {
            Spend(program, 1);
            ref readonly var step = ref code[pc];
            bool holds;
            switch (step.Operation)
            {
                case Operation.Accept:
                    _top = bottom;
                    return at;
                case Operation.Set:
                    int length = at < text.Length ? Take(step.Set!, text, at) : 0;
                    holds = length > 0;
                    at += length;
                    pc++;
                    break;
                case Operation.GreedySet or Operation.PossessiveSet:
                    holds = TakeMany(program, step, text, ref at, pc + 1);
                    pc++;
                    break;
                case Operation.Jump:
                    holds = true;
                    pc = step.A;
                    break;
                case Operation.Fork:
                    holds = Fork(step, text, at, ref pc);
                    break;
                case Operation.Assert:
                    holds = Holds((Anchor)step.A, text, at);
                    pc++;
                    break;
                case Operation.Look:
                    holds = Look(program, step, text, at) == (step.A == 0);
                    pc = step.B;
                    break;
                case Operation.Atomic:
                    int end = Run(program, text, step.A, at);
                    holds = end >= 0;
                    at = end;
                    pc = step.B;
                    break;
                case Operation.RoundStart:
                    Push(new Frame(~step.A, _slots[step.A], 0));
                    _slots[step.A] = at;
                    holds = true;
                    pc++;
                    break;
                default:
                    holds = true;
                    pc = _slots[step.A] == at ? step.B : pc + 1;
                    break;
            }

            if (!holds && !Resume(text, bottom, ref pc, ref at))
            {
                return -1;
            }
        }
    }

    // Goes on at the latest place put aside. A frame below zero restores what a loop remembered; one with room gives back one more character.
    private bool Resume(ReadOnlySpan<byte> text, int bottom, ref int pc, ref int at)
    {
        while (_top > bottom)
        {
            ref var frame = ref _stack[_top - 1];
            if (frame.Code < 0)
            {
                _slots[~frame.Code] = frame.At;
                _top--;
                continue;
            }

            pc = frame.Code;
            if (frame.Lowest < frame.At)
            {
                frame.At = Before(text, frame.At);
                at = frame.At;
                _top -= frame.Lowest == at ? 1 : 0;
            }
            else
            {
                at = frame.At;
                _top--;
            }

            return true;
        }

        return false;
    }

    private bool Fork(in Instruction step, ReadOnlySpan<byte> text, int at, ref int pc)
    {
        bool first = step.First is null || (at < text.Length && step.First[text[at]]);
        bool second = step.Second is null || (at < text.Length && step.Second[text[at]]);
        if (first && second)
        {
            Push(new Frame(step.B, at, at));
        }

        pc = first ? step.A : step.B;
        return first || second;
    }

    private bool TakeMany(PatternProgram program, in Instruction step, ReadOnlySpan<byte> text, ref int at, int next)
    {
        var table = step.Set!.FirstByte;
        int start = at;
        int lowest = at;
        int count = 0;
        while (count < step.B && at < text.Length)
        {
            byte first = text[at];
            int length = first < 0x80 ? table[first] : Take(step.Set, text, at);
            if (length == 0)
            {
                break;
            }

            at += length;
            lowest = ++count == step.A ? at : lowest;
        }

        Spend(program, (at - start) >> 3);
        if (count < step.A)
        {
            return false;
        }

        if (step.Operation == Operation.GreedySet && lowest < at)
        {
            Push(new Frame(next, at, lowest));
        }

        return true;
    }

    private bool Look(PatternProgram program, in Instruction step, ReadOnlySpan<byte> text, int at)
    {
        foreach (var (runes, code) in step.Looks!)
        {
            int from = at;
            int back = 0;
            for (; back < runes && from > 0; back++)
            {
                from = Before(text, from);
            }

            if (back == runes && Run(program, text, code, from) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool Holds(Anchor anchor, ReadOnlySpan<byte> text, int at) => anchor switch
    {
        Anchor.LineStart => at == 0 || (text[at - 1] == '\n' && at < text.Length),
        Anchor.LineEnd => at == text.Length || text[at] == '\n',
        Anchor.TextStart => at == 0,
        Anchor.TextEnd => at == text.Length,
        Anchor.TextEndOrLastNewline => at == text.Length || (at == text.Length - 1 && text[at] == '\n'),
        Anchor.WordBoundary => WordBefore(text, at) != WordAt(text, at),
        _ => WordBefore(text, at) == WordAt(text, at),
    };

    private static bool WordAt(ReadOnlySpan<byte> text, int at) => at < text.Length && Take(UnicodeSets.Word, text, at) > 0;

    private static bool WordBefore(ReadOnlySpan<byte> text, int at) => at > 0 && Take(UnicodeSets.Word, text, Before(text, at)) > 0;

    /// <summary>The length of the character at the place if the set has it, else 0.</summary>
    public static int Take(RuneSet set, ReadOnlySpan<byte> text, int at)
    {
        byte first = text[at];
        return set.FirstByte[first] switch
        {
            RuneSet.No => 0,
            RuneSet.Yes => RuneLength(first),
            _ => Rune.DecodeFromUtf8(text[at..], out var rune, out int length) == System.Buffers.OperationStatus.Done && set.Contains(rune.Value) ? length : 0,
        };
    }

    /// <summary>The place of the character before.</summary>
    public static int Before(ReadOnlySpan<byte> text, int at)
    {
        do
        {
            at--;
        }
        while ((text[at] & 0xC0) == 0x80);
        return at;
    }

    /// <summary>The length of a character by its first byte.</summary>
    public static int RuneLength(byte first) => first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    private void Push(Frame frame)
    {
        if (_top == _stack.Length)
        {
            Array.Resize(ref _stack, 2 * _top);
        }

        _stack[_top++] = frame;
    }

    private void Spend(PatternProgram program, int steps)
    {
        _steps -= steps;
        if (_steps < 0)
        {
            throw new InvalidInputException($"{program.Where}: the regular expression needs too many steps on this text; use a tokenizer with a plainer pattern.");
        }
    }

    // Code to go on at and the place; Lowest below At: the place may still go back so far.
    private record struct Frame(int Code, int At, int Lowest);
}
