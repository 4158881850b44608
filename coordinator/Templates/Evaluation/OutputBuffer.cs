using System.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Written text with the places of the generation blocks in it.</summary>
internal sealed class OutputBuffer(Budget budget)
{
    private readonly StringBuilder _text = new();
    private List<GenerationMark>? _marks;

    public int Length => _text.Length;

    public void Write(string text)
    {
        budget.Allocate(text.Length);
        if (_text.Length + (long)text.Length > budget.OutputLength)
        {
            throw Budget.Exhausted($"more than {budget.OutputLength} characters of output");
        }

        _text.Append(text);
    }

    /// <summary>Writes a text and takes over the marks that it carries.</summary>
    public void Write(StrValue text)
    {
        foreach (var mark in text.Marks)
        {
            Mark(mark.Block, _text.Length + mark.Start, _text.Length + mark.End);
        }

        Write(text.Text);
    }

    public void Mark(int block, int start, int end)
    {
        budget.AllocateElements(1);
        (_marks ??= []).Add(new GenerationMark(block, start, end));
    }

    public StrValue ToValue(bool isSafe)
    {
        budget.Allocate(_text.Length);
        return new StrValue(_text.ToString(), isSafe, _marks);
    }
}
