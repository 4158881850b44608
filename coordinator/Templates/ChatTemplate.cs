using System.Text.Json;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates;

/// <summary>A model's own chat template, rendered as transformers' apply_chat_template renders it.</summary>
/// <remarks>
/// Immutable; any number of threads may render with it. The engine is Jinja 3.1 in the immutable sandbox with trim_blocks, lstrip_blocks, loop controls,
/// generation blocks and transformers' tojson, raise_exception and strftime_now; a construct outside that is refused by name, with line and column.
/// </remarks>
internal sealed class ChatTemplate
{
    /// <summary>Longer sources are no templates.</summary>
    private const int MaxSourceLength = 4 << 20;

    private readonly ParsedTemplate _template;

    private ChatTemplate(ParsedTemplate template) => _template = template;

    /// <summary>Parses a template; <paramref name="documentName"/> stands in front of every error.</summary>
    /// <exception cref="TemplateException">No template, or one with a construct that is not supported; with line and column.</exception>
    public static ChatTemplate Parse(string source, string documentName) => source.Length <= MaxSourceLength
        ? new ChatTemplate(Parser.Parse(source, documentName))
        : throw new InvalidInputException($"{documentName} has {source.Length} characters, a chat template at most {MaxSourceLength}.");

    /// <summary>Renders a conversation.</summary>
    /// <param name="input">The conversation.</param>
    /// <param name="limits">What it may cost; null: the defaults.</param>
    /// <param name="allowance">What it and other renderings may take together; null: there are no others.</param>
    /// <exception cref="TemplateException">The template refused the conversation, failed, or went beyond a limit.</exception>
    public RenderedChat Render(ChatInput input, TemplateLimits? limits = null, StepAllowance? allowance = null)
    {
        var bounds = limits ?? TemplateLimits.Default;
        var budget = new Budget(allowance?.Within(bounds) ?? bounds);
        try
        {
            return Render(input, new RenderContext(budget, input.Clock));
        }
        finally
        {
            allowance?.Take(budget.StepsTaken);
        }
    }

    /// <summary>Renders with variables alone, without what apply_chat_template adds.</summary>
    internal RenderedChat Render(JsonElement variables, DateTime clock, TemplateLimits? limits = null)
    {
        var context = new RenderContext(new Budget(limits ?? TemplateLimits.Default), clock);
        var values = new JsonValues(context.Budget);
        return GenerationSpans.Place(Render(values.Members(variables), context), context.GenerationBlocks);
    }

    private RenderedChat Render(ChatInput input, RenderContext context)
    {
        var values = new JsonValues(context.Budget);
        var conversation = Conversation.Prepare(input, values);
        var variables = new Dictionary<string, Value>(StringComparer.Ordinal);
        foreach (var (name, token) in input.SpecialTokens)
        {
            variables[name] = new StrValue(token);
        }

        variables["messages"] = conversation.Messages;
        variables["tools"] = values.From(input.Tools);
        variables["documents"] = values.From(input.Documents);
        variables["add_generation_prompt"] = BoolValue.Of(input.AddGenerationPrompt);
        if (input.Kwargs is { ValueKind: JsonValueKind.Object } kwargs)
        {
            foreach (var (name, value) in values.Members(kwargs).Where(member => member.Key != ChatInput.ContinueArgument))
            {
                variables[name] = value;
            }
        }

        var text = Render(variables, context);
        return conversation.Finish(text, context.GenerationBlocks);
    }

    private StrValue Render(IEnumerable<KeyValuePair<string, Value>> variables, RenderContext context) => Interpreter.Render(_template, variables, context);
}
