using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Jinja's filters by name; tojson is transformers'.</summary>
/// <remarks>urlize is the only one that is not here: its rules are a document of their own, and no chat has a use for them.</remarks>
internal static class FilterTable
{
    private static readonly Dictionary<string, Filter> Filters = new(StringComparer.Ordinal)
    {
        ["abs"] = Make("abs", NumberFilters.Abs, "/", "x"),
        ["attr"] = Make("do_attr", SelectionFilters.Attribute, "obj", "name"),
        ["batch"] = Make("do_batch", GroupingFilters.Batch, "value", "linecount", "fill_with?"),
        ["capitalize"] = Make("do_capitalize", TextFilters.Capitalize, "s"),
        ["center"] = Make("do_center", TextFilters.Center, "value", "width?"),
        ["count"] = Make("len", SequenceFilters.Length, "/", "obj"),
        ["d"] = Make("do_default", SelectionFilters.Default, "value", "default_value?", "boolean?"),
        ["default"] = Make("do_default", SelectionFilters.Default, "value", "default_value?", "boolean?"),
        ["dictsort"] = Make("do_dictsort", OrderFilters.DictSort, "value", "case_sensitive?", "by?", "reverse?"),
        ["e"] = Make("escape", MarkupFilters.Escape, "/", "s"),
        ["escape"] = Make("escape", MarkupFilters.Escape, "/", "s"),
        ["filesizeformat"] = Make("do_filesizeformat", NumberFilters.FileSize, "value", "binary?"),
        ["first"] = Make("do_first", SequenceFilters.First, "seq"),
        ["float"] = Make("do_float", NumberFilters.ToFloat, "value", "default?"),
        ["forceescape"] = Make("do_forceescape", MarkupFilters.ForceEscape, "value"),
        ["format"] = Make("do_format", TextFilters.Format, "value", "*", "**"),
        ["groupby"] = Make("do_groupby", GroupingFilters.GroupBy, "value", "attribute", "default?", "case_sensitive?"),
        ["indent"] = Make("do_indent", TextFilters.Indent, "s", "width?", "first?", "blank?"),
        ["int"] = Make("do_int", NumberFilters.ToInt, "value", "default?", "base?"),
        ["items"] = Make("do_items", SequenceFilters.Items, "value"),
        ["join"] = Make("do_join", SequenceFilters.Join, "value", "d?", "attribute?"),
        ["last"] = Make("do_last", SequenceFilters.Last, "seq"),
        ["length"] = Make("len", SequenceFilters.Length, "/", "obj"),
        ["list"] = Make("do_list", b => new ListValue(b[0].ToList(b.Budget)), "value"),
        ["lower"] = Make("do_lower", TextFilters.Lower, "s"),
        ["map"] = Make("do_map", SelectionFilters.Map, "value", "*", "**"),
        ["max"] = Make("do_max", b => OrderFilters.Extreme(b, isMax: true), "value", "case_sensitive?", "attribute?"),
        ["min"] = Make("do_min", b => OrderFilters.Extreme(b, isMax: false), "value", "case_sensitive?", "attribute?"),
        ["pprint"] = Make("do_pprint", MarkupFilters.PrettyPrint, "value"),
        ["random"] = Make("do_random", SequenceFilters.Random, "seq"),
        ["reject"] = Make("do_reject", b => SelectionFilters.Select(b, keep: false, byAttribute: false), "value", "*", "**"),
        ["rejectattr"] = Make("do_rejectattr", b => SelectionFilters.Select(b, keep: false, byAttribute: true), "value", "*", "**"),
        ["replace"] = Make("do_replace", TextFilters.Replace, "s", "old", "new", "count?"),
        ["reverse"] = Make("do_reverse", SequenceFilters.Reverse, "value"),
        ["round"] = Make("do_round", NumberFilters.Round, "value", "precision?", "method?"),
        ["safe"] = Make("do_mark_safe", MarkupFilters.MarkSafe, "value"),
        ["select"] = Make("do_select", b => SelectionFilters.Select(b, keep: true, byAttribute: false), "value", "*", "**"),
        ["selectattr"] = Make("do_selectattr", b => SelectionFilters.Select(b, keep: true, byAttribute: true), "value", "*", "**"),
        ["slice"] = Make("do_slice", GroupingFilters.Slice, "value", "slices", "fill_with?"),
        ["sort"] = Make("do_sort", OrderFilters.Sort, "value", "reverse?", "case_sensitive?", "attribute?"),
        ["string"] = Make("soft_str", b => TextFilters.Soft(b), "s"),
        ["striptags"] = Make("do_striptags", MarkupFilters.StripTags, "value"),
        ["sum"] = Make("do_sum", SequenceFilters.Sum, "iterable", "attribute?", "start?"),
        ["title"] = Make("do_title", TextFilters.Title, "s"),
        ["tojson"] = Make("tojson", JsonFilter.ToJson, "x", "ensure_ascii?", "indent?", "separators?", "sort_keys?"),
        ["trim"] = Make("do_trim", TextFilters.Trim, "value", "chars?"),
        ["truncate"] = Make("do_truncate", TextFilters.Truncate, "s", "length?", "killwords?", "end?", "leeway?"),
        ["unique"] = Make("do_unique", GroupingFilters.Unique, "value", "case_sensitive?", "attribute?"),
        ["upper"] = Make("do_upper", TextFilters.Upper, "s"),
        ["urlencode"] = Make("do_urlencode", MarkupFilters.UrlEncode, "value"),
        ["wordcount"] = Make("do_wordcount", TextFilters.WordCount, "s"),
        ["wordwrap"] = Make("do_wordwrap", TextFilters.WordWrap, "s", "width?", "break_long_words?", "wrapstring?", "break_on_hyphens?"),
        ["xmlattr"] = Make("do_xmlattr", MarkupFilters.XmlAttributes, "d", "autospace?"),
    };

    public static Filter? Find(string name) => Filters.GetValueOrDefault(name);

    private static Filter Make(string function, Func<BoundArguments, Value> body, params string[] parameters) => new(Parameters.Of(function, parameters), body);
}
