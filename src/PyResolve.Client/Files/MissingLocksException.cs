namespace PyResolve.Client;

/// <summary>File locks do not work in a folder, so that nothing in it can be spent once only.</summary>
internal sealed class MissingLocksException(string folder) : IOException($"file locks do not work in {folder}");
