using System.CommandLine;

namespace PyResolve.Server.Commands;

/// <returns>The process's exit code: 0 done, 1 failed or different, 2 wrong usage.</returns>
internal delegate Task<int> OperatorCommand(IServiceProvider services, CancellationToken cancellationToken);

internal delegate Task<int> RunOperatorCommand(ParseResult parse, OperatorCommand command, CancellationToken cancellationToken);
