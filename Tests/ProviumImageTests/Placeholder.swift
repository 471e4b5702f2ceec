// tests of ProviumImage
