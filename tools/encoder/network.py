"""The encoder as a PyTorch module: a BERT of twelve layers, mean pooling, and a head each for intent and nature."""

import torch
from base import Base
from torch import nn
from torch.nn import functional

DROPOUT = 0.1


class Layer(nn.Module):
    """Attention and a feed-forward network, each followed by a sum and a normalisation."""

    def __init__(self, hidden: int, heads: int, inner: int, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.ao = nn.Linear(hidden, hidden)
        self.aln = nn.LayerNorm(hidden, epsilon)
        self.fi = nn.Linear(hidden, inner)
        self.fo = nn.Linear(inner, hidden)
        self.oln = nn.LayerNorm(hidden, epsilon)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`x`: (texts, tokens, hidden); `mask`: (texts, 1, 1, tokens), true where there is a token."""
        texts, tokens, hidden = x.shape
        q, k, v = self.qkv(x).view(texts, tokens, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        dropout = DROPOUT if self.training else 0.0
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        seen = self.ao(seen.transpose(1, 2).reshape(texts, tokens, hidden))
        x = self.aln(x + functional.dropout(seen, DROPOUT, self.training))
        thought = self.fo(functional.gelu(self.fi(x)))
        return self.oln(x + functional.dropout(thought, DROPOUT, self.training))


class Network(nn.Module):
    """Token numbers in; pooled vectors and the logarithms of the probabilities of intents and natures out."""

    def __init__(self, base: Base, kept: list[int], intents: int, natures: int) -> None:
        super().__init__()
        self.word = nn.Embedding(len(kept), base.hidden)
        self.pos = nn.Embedding(base.positions, base.hidden)
        self.eln = nn.LayerNorm(base.hidden, base.epsilon)
        sizes = (base.hidden, base.heads, base.inner, base.epsilon)
        self.layers = nn.ModuleList(Layer(*sizes) for _ in range(base.layers))
        self.intent = nn.Linear(base.hidden, intents)
        self.nature = nn.Linear(base.hidden, natures)
        for head in (self.intent, self.nature):
            nn.init.normal_(head.weight, std=0.02)
        with torch.no_grad():
            self._take_over(base, kept)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`ids`, `mask`: (texts, tokens). Returns vectors, intents, natures, a row a text."""
        x = self.word(ids) + self.pos.weight[: ids.shape[1]][None]
        x = functional.dropout(self.eln(x), DROPOUT, self.training)
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
        weights = mask[..., None].to(x.dtype)
        vectors = (x * weights).sum(1) / weights.sum(1)
        heard = functional.dropout(vectors, DROPOUT, self.training)
        intents = functional.log_softmax(self.intent(heard).float(), dim=1)
        natures = functional.log_softmax(self.nature(heard).float(), dim=1)
        return vectors, intents, natures

    def _take_over(self, base: Base, kept: list[int]) -> None:
        """Copy the base model's weights."""
        hidden = base.hidden

        def fill(parameter: torch.Tensor, name: str, *shape: int) -> None:
            parameter.copy_(torch.from_numpy(base.tensor(name, *shape)))

        self.word.weight.copy_(torch.from_numpy(base.tensor("emb.word", -1, hidden)[kept]))
        kind = base.tensor("emb.type")[:hidden]
        self.pos.weight.copy_(torch.from_numpy(base.tensor("emb.pos", -1, hidden)[: base.positions] + kind))
        fill(self.eln.weight, "emb.ln.w")
        fill(self.eln.bias, "emb.ln.b")
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            for part, name in enumerate("qkv"):
                rows = slice(part * hidden, (part + 1) * hidden)
                fill(layer.qkv.weight[rows], f"l{number}.{name}.w", hidden, hidden)
                fill(layer.qkv.bias[rows], f"l{number}.{name}.b")
            for name, module in (("ao", layer.ao), ("fi", layer.fi), ("fo", layer.fo)):
                fill(module.weight, f"l{number}.{name}.w", *module.weight.shape)
                fill(module.bias, f"l{number}.{name}.b")
            for name, norm in (("aln", layer.aln), ("oln", layer.oln)):
                fill(norm.weight, f"l{number}.{name}.w")
                fill(norm.bias, f"l{number}.{name}.b")
