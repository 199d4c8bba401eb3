using System.Text.Json;
using StreamJsonRpc;

namespace PyResolve.IdeHost;

/// <summary>JSON-RPC 2.0 with the headers of the Language Server Protocol, over two streams. It lasts until the IDE closes one of them.
/// </summary>
internal static class HostConnection
{
    public static async Task RunAsync(Stream input, Stream output)
    {
        // A copy, because the formatter adds converters of its own.
        var formatter = new SystemTextJsonFormatter { JsonSerializerOptions = new JsonSerializerOptions(HostJson.Default.Options) };
        await using var messages = new HeaderDelimitedMessageHandler(output, input, formatter);
        using var rpc = new JsonRpc(messages);
        var host = new AccountHost(prompt => rpc.NotifyAsync("logInPrompt", prompt));
        rpc.AddLocalRpcTarget(
            host,
            new JsonRpcTargetOptions { MethodNameTransform = CommonMethodNameTransforms.CamelCase, AllowNonPublicInvocation = false });
        rpc.StartListening();
        try
        {
            await rpc.Completion;
        }
        catch (ConnectionLostException)
        {
            // The IDE is gone.
        }
    }
}
