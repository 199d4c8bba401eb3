using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>The package's own client, as agents use it.</summary>
internal static class McpAnswers
{
    /// <summary>The last version of the protocol with sessions, and the first without.</summary>
    public static TheoryData<string> Versions => ["2025-11-25", "2026-07-28"];

    /// <param name="answer">What the person does with a question: <c>accept</c>, <c>decline</c>; without one, nobody can be asked.</param>
    /// <param name="asked">Gets the questions.</param>
    public static McpClientOptions Options(string? version = null, string? answer = null, ICollection<string>? asked = null) => new()
    {
        ProtocolVersion = version,
        Handlers = answer is null ? new() : new()
        {
            ElicitationHandler = (question, _) =>
            {
                asked?.Add(question!.Message);
                return ValueTask.FromResult(new ElicitResult { Action = answer });
            },
        },
    };

    extension(McpClient client)
    {
        public ValueTask<CallToolResult> CallAsync(
            string tool, object? arguments = null, CancellationToken? cancellationToken = null) => client.CallToolAsync(
            tool,
            JsonSerializer.SerializeToElement(arguments ?? new { }).EnumerateObject()
                .ToDictionary(member => member.Name, object? (member) => member.Value.Clone()),
            cancellationToken: cancellationToken ?? TestContext.Current.CancellationToken);

        public async Task<JsonElement> ReadAsync(string uri)
        {
            var result = await client.ReadResourceAsync(uri, cancellationToken: TestContext.Current.CancellationToken);
            return JsonDocument.Parse(result.Contents.OfType<TextResourceContents>().Single().Text).RootElement;
        }
    }

    extension(CallToolResult result)
    {
        public string Text => result.Content.OfType<TextContentBlock>().Single().Text;

        public JsonElement Get(string member) => result.StructuredContent!.Value.GetProperty(member);
    }
}
