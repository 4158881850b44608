using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>The self variable: the template's blocks as functions.</summary>
internal sealed class BlocksValue(IReadOnlyDictionary<string, BlockStatement> blocks, Func<BlockStatement, StrValue> run) : Value
{
    public override string TypeName => "TemplateReference";

    public override string ObjectName => "jinja2.runtime.TemplateReference object";

    public override Value? Item(Value key, Budget budget) =>
        key is StrValue name && blocks.TryGetValue(name.Text, out var block)
            ? new FunctionValue("BlockReference", Parameters.Of("BlockReference.__call__"), _ => run(block)) : null;

    public override void Repr(ReprWriter writer) => writer.Write("<TemplateReference None>");
}
