using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using PyResolve.Cli.Base;

namespace PyResolve.Cli.Output;

internal sealed class HelpWithExitCodes(HelpAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var result = usual.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.WriteLine(ExitCodes.Help);
        return result;
    }
}
