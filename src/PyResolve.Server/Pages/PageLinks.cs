namespace PyResolve.Server.Pages;

/// <summary>The links from one page of a list to others.</summary>
/// <param name="Things">What the list is of, in the plural.</param>
/// <param name="Latest">The first page, from the root; null on it.</param>
/// <param name="Older">The next page, from the root; null on the last.</param>
internal sealed record PageLinks(string Things, string? Latest, string? Older);
