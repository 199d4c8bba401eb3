using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>A call of a tool.</summary>
/// <param name="ConfirmAsync">Asks the person; <see langword="null"/> where the client cannot.</param>
/// <param name="Report">Tells the client how far it is; <see langword="null"/> where it does not want to know.</param>
internal sealed record McpCall(string Tool, McpArguments Arguments, Func<string, Task<bool>>? ConfirmAsync, Action<ProgressNote>? Report);

/// <param name="Done">Greater each time.</param>
internal sealed record ProgressNote(long Done, long? Total, string Text);

/// <summary>What a tool answers.</summary>
/// <param name="Content">For programs.</param>
/// <param name="Text">For the model.</param>
internal sealed record McpResult(JsonElement Content, string Text, bool IsError);

/// <summary>A tool can go on only when the person has answered.</summary>
internal sealed class McpQuestionException(string question) : Exception(question);
