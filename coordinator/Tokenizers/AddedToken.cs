namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>A token that is cut out of the text before the model sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Only where no word character touches it.</param>
/// <param name="LStrip">Swallows the white space on its left.</param>
/// <param name="RStrip">Swallows the white space on its right.</param>
/// <param name="Normalized">Searched for in the normalized text, itself normalized.</param>
/// <param name="Special">Left out by decoding without special tokens; makes no difference to the search.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LStrip, bool RStrip, bool Normalized, bool Special);
